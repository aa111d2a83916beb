"""What the service gives browsers: the model's card, the networks, and the runtime."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from starlette.testclient import TestClient

from maskwise.model.artifact import folder_of, read_card
from maskwise.model.faces import YuNet
from maskwise.serving.api import inside
from maskwise.serving.api.inside import RUNTIME, WASM
from tests.serving.inside.needs import need_runtime
from tests.serving.services import client as client_of
from tests.serving.services import service, token

WASM_PATH = "/runtime/ort-wasm-simd-threaded.wasm"
WEB = Path(__file__).resolve().parents[3] / "web"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with service(tmp_path_factory.mktemp("service")) as parts:
        yield client_of(parts)


def test_the_card_says_what_a_browser_needs(client: TestClient) -> None:
    need_runtime()
    told, card = client.get("/inside/model.json").json(), read_card(folder_of("default"))
    assert tuple(told["labels"]) == card.labels
    assert told["temperature"] == card.temperature
    assert told["thresholds"]["confidence"] == card.thresholds.confidence
    assert told["operating_points"].keys() == card.operating_points.keys()
    assert told["crop"] == {"size_px": card.crop.size_px, "margin": card.crop.margin}
    assert told["classifier"]["sha256"] == card.files["model.onnx"]
    assert told["detector"]["threshold"] == YuNet().threshold
    sizes = [len(client.get(f"/inside/{name}.onnx").content) for name in ("classifier", "detector")]
    packed = (RUNTIME / WASM).read_bytes()
    assert told["runtime"] == {"bytes": len(packed), "unpacked_bytes": len(gzip.decompress(packed))}
    assert told["bytes"] == sum(sizes) + len(packed)


@pytest.mark.parametrize("name", ["classifier", "detector"])
def test_networks_are_sent_once_and_asked_for_again_cheaply(client: TestClient, name: str) -> None:
    first = client.get(f"/inside/{name}.onnx")
    etag = first.headers["ETag"]
    assert etag.strip('"') == hashlib.sha256(first.content).hexdigest()
    again = client.get(f"/inside/{name}.onnx", headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    assert client.get(f"/inside/{name}.onnx", headers={"If-None-Match": '"of another"'}).status_code == 200


def test_the_model_is_for_those_who_may_look_and_the_runtime_for_anybody(tmp_path: Path) -> None:
    need_runtime()
    with service(tmp_path) as parts:
        viewer = client_of(parts, token=token(parts, "viewer"))
        nobody = client_of(parts)
        for path in ("/inside/model.json", "/inside/classifier.onnx", "/inside/detector.onnx"):
            assert (viewer.get(path).status_code, nobody.get(path).status_code) == (200, 401)
        for path in (WASM_PATH, "/runtime/ort.wasm.min.mjs", "/js/inside/inside.js"):
            assert nobody.get(path).status_code == 200


def test_the_detector_takes_pictures_of_any_size(client: TestClient) -> None:
    session = ort.InferenceSession(client.get("/inside/detector.onnx").content)
    (given,) = session.get_inputs()
    assert len(session.run(None, {given.name: np.zeros((1, 3, 96, 128), np.float32)})) == 12


def test_without_the_runtime_there_is_no_such_mode(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(inside, "RUNTIME", tmp_path)
    for path in ("/inside/model.json", WASM_PATH):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert "in-browser mode" in answer.json()["detail"]
        assert str(tmp_path) not in answer.text


def test_the_runtime_is_sent_packed_to_those_who_unpack(client: TestClient) -> None:
    need_runtime()
    packed = client.get(WASM_PATH, headers={"Accept-Encoding": "gzip, br"})
    plain = client.get(WASM_PATH, headers={"Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Type"] == plain.headers["Content-Type"] == "application/wasm"
    assert packed.content == plain.content
    assert plain.content.startswith(b"\0asm")
    assert int(packed.headers["Content-Length"]) < len(plain.content) / 3
    etags = [answer.headers["ETag"] for answer in (packed, plain)]
    assert etags[0] != etags[1]
    assert client.get(WASM_PATH, headers={"If-None-Match": etags[0]}).status_code == 304


def test_a_model_that_was_exchanged_meanwhile_is_not_given_out(tmp_path: Path) -> None:
    folder = shutil.copytree(folder_of("default"), tmp_path / "model")
    with service(tmp_path / "service", model=str(folder)) as parts:
        (folder / "model.onnx").write_bytes(b"another")
        answer = client_of(parts).get("/inside/classifier.onnx")
    assert answer.status_code == 409
    assert "start the service again" in answer.json()["detail"]


def test_the_runtime_carries_its_licences() -> None:
    need_runtime()
    assert "MIT License" in (RUNTIME / "onnxruntime-LICENSE").read_text()
    assert (RUNTIME / "onnxruntime-ThirdPartyNotices.txt").stat().st_size > 100_000


def test_the_package_is_pinned_to_its_content() -> None:
    lock = json.loads((WEB / "package-lock.json").read_text())["packages"]
    assert lock[""]["dependencies"] == {"onnxruntime-web": lock["node_modules/onnxruntime-web"]["version"]}
    assert all(package["integrity"].startswith("sha512-") for name, package in lock.items() if name)
    hosts = [package for package in lock.values() if "resolved" in package]
    assert not hosts  # wherever it is fetched from, the content is this
