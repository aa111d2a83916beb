from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwise.serving.checking.parts import PartsParser
from maskwise.serving.problems import Problem
from maskwise.serving.settings import Limits

TYPE = "multipart/form-data; boundary=xyz"
LIMITS = Limits(max_bytes=1000, max_pictures=3)


def part(content: bytes, name: str = "picture", file: str = "a.jpg") -> bytes:
    head = (
        f'--xyz\r\nContent-Disposition: form-data; name="{name}"; filename="{file}"\r\nContent-Type: image/jpeg\r\n\r\n'
    )
    return head.encode() + content + b"\r\n"


END = b"--xyz--\r\n"


def parsed(body: bytes, step: int = 7, limits: Limits = LIMITS, kind: str = TYPE) -> list[tuple[str, bytes]]:
    parser = PartsParser(kind, limits)
    for start in range(0, len(body), step):
        parser.feed(body[start : start + step])
    return parser.finish()


@given(st.lists(st.binary(max_size=60).filter(lambda content: b"--xyz" not in content), max_size=3), st.integers(1, 80))
def test_whatever_is_sent_comes_out_however_it_was_cut(contents: list[bytes], step: int) -> None:
    body = b"".join(part(content, file=f"{i}.jpg") for i, content in enumerate(contents)) + END
    assert parsed(body, step) == [(f"{i}.jpg", content) for i, content in enumerate(contents)]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, b"nothing of the kind"),
        (400, part(b"x")),  # no end
        (400, part(b"x")[:40]),
        (400, b"--xyz\r\n" + b"A" * 5000),
        (400, b"--xyz\r\n" + b"".join(b"A%d: b\r\n" % i for i in range(200)) + b"\r\n"),
        (413, part(b"x" * 1001) + END),
        (413, part(b"x") * 4 + END),
        (422, part(b"x", name="image") + END),
    ],
)
def test_what_is_refused(status: int, body: bytes) -> None:
    for step in (1, 50, 10_000):
        with pytest.raises(Problem) as refused:
            parsed(body, step)
        assert refused.value.status == status


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=", f"multipart/form-data; boundary={'b' * 999}"]
)
def test_a_boundary_is_needed(kind: str) -> None:
    with pytest.raises(Problem, match=r"[bB]oundary") as refused:
        parsed(END, kind=kind)
    assert refused.value.status == 400


def test_nothing_is_taken_in_beyond_the_limit() -> None:
    parser = PartsParser(TYPE, LIMITS)
    parser.feed(part(b"")[:-2])
    for _ in range(100):
        parser.feed(b"x" * 10)
    with pytest.raises(Problem):
        parser.feed(b"x")


def test_no_temporary_file_is_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError), tempfile.TemporaryFile():
        pass  # so anything that made one would be heard of
    content = b"x" * 5_000_000
    assert parsed(part(content) + END, 65_536, Limits()) == [("a.jpg", content)]
