from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from maskwise.serving import problems
from maskwise.serving.api import page
from maskwise.serving.problems import MEDIA_TYPE

FOLDER = Path(page.__file__).parents[1] / "page"


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = FastAPI()
    problems.install(app)
    app.mount("/", page.files)
    return TestClient(app)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/js/app.js", "text/javascript; charset=utf-8"),
        ("/js/views/try.js", "text/javascript; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
    ],
)
def test_each_file_has_its_type(client: TestClient, path: str, kind: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == kind
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("accepts", "is_small"),
    [("gzip", True), ("br, gzip", True), ("gzip;q=0.5", True), ("identity", False), ("gzip;q=0", False), ("", False)],
)
def test_text_comes_compressed_for_those_who_take_it(client: TestClient, accepts: str, *, is_small: bool) -> None:
    answer = client.get("/style.css", headers={"Accept-Encoding": accepts})

    assert (answer.headers.get("content-encoding") == "gzip") is is_small
    assert answer.content == (FOLDER / "style.css").read_bytes()
    assert "Accept-Encoding" in answer.headers["vary"]
    if is_small:
        assert int(answer.headers["content-length"]) == len(gzip.compress(answer.content, 9, mtime=0))


@pytest.mark.parametrize("accepts", ["gzip", "identity"])
def test_what_a_browser_has_is_not_sent_again(client: TestClient, accepts: str) -> None:
    first = client.get("/js/app.js", headers={"Accept-Encoding": accepts})
    asked = {"Accept-Encoding": accepts, "If-None-Match": first.headers["etag"]}
    again = client.get("/js/app.js", headers=asked)

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert client.get("/style.css", headers=asked).status_code == 200


def test_a_changed_file_is_sent_anew(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("one")
    client = TestClient(page.Page(directory=str(tmp_path)))
    first = client.get("/a.js")
    (tmp_path / "a.js").write_text("three")
    again = client.get("/a.js", headers={"If-None-Match": first.headers["etag"]})

    assert (first.text, again.status_code, again.text) == ("one", 200, "three")


@pytest.mark.parametrize(
    "path", ["/nothing", "/js/", "/js/nothing.js", "/../settings.py", "/%2e%2e/settings.py", "/a%00b"]
)
def test_whatever_is_not_there_is_a_problem(client: TestClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert str(FOLDER) not in answer.text


def test_files_are_only_read(client: TestClient) -> None:
    assert client.head("/").status_code == 200
    assert client.post("/").status_code == 405


def test_no_text_of_the_page_names_another_host() -> None:
    texts = [path for ending in ("*.html", "*.css", "*.js", "*.svg") for path in FOLDER.rglob(ending)]
    ours = [path for path in texts if "runtime" not in path.relative_to(FOLDER).parts]
    named = [path.name for path in ours if "https://" in path.read_text() or "http://" in _without_names(path)]

    assert len(ours) > 20
    assert named == []


def _without_names(path: Path) -> str:
    """Without the names that drawings are known by, which nobody fetches."""
    return path.read_text().replace("http://www.w3.org/", "")
