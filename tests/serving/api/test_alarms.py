from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from maskwise.serving.service import Service
from tests.serving.checking.running import running
from tests.serving.operating.receiver import receiving


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Service]]:
    with running(tmp_path_factory.mktemp("service")) as both:
        yield both


@pytest.fixture
def client(started: tuple[TestClient, Service]) -> TestClient:
    return started[0]


def add(client: TestClient, name: str, address: str = "json://user:secret@127.0.0.1:1/x", **more: Any) -> Any:
    return client.post("/v1/alarms", json={"name": name, "address": address, **more})


def test_a_target_comes_is_shown_and_goes(client: TestClient) -> None:
    said = add(client, "guard", kinds=["violated", "complied", "violated"])
    assert said.status_code == 201
    target = said.json()
    assert target == {"id": target["id"], "name": "guard", "address": "json://…", "kinds": ["violated", "complied"]}
    assert target in client.get("/v1/alarms").json()["alarms"]
    assert client.delete(f"/v1/alarms/{target['id']}").status_code == 204
    assert target not in client.get("/v1/alarms").json()["alarms"]
    assert client.delete(f"/v1/alarms/{target['id']}").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "address": "nothing of the kind secret"},
        {"name": "x", "address": "unknown://secret"},
        {"name": "x", "address": "json://secret json://secret2"},
        {"name": "x", "address": "json://secret\x00"},
        {"name": "", "address": "json://secret"},
        {"name": "a\x00b", "address": "json://secret"},
        {"name": "x" * 101, "address": "json://secret"},
        {"name": "x", "address": "json://secret", "kinds": []},
        {"name": "x", "address": "json://secret", "kinds": ["shouted"]},
        {"name": "x", "address": "json://secret", "more": 1},
        {"name": "x"},
        {"address": "json://secret"},
        [],
    ],
)
def test_what_is_refused_and_never_repeated(client: TestClient, body: Any) -> None:
    answer = client.post("/v1/alarms", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    "address",
    [
        "syslog://",
        "SYSLOG://_",
        "dbus://",
        "gnome://",
        "macosx://",
        "windows://",
        "blink1://",
        "file:///etc/passwd",
        "vapid://me@example.org/him@example.org?subfile={file}",
        "fcm://project/topic?mode=oauth2&keyfile={file}",
        "fcm://project/topic?mode=oauth2&keyfile=http://169.254.169.254/latest/meta-data",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/?template={file}",
        "workflows://example.org:443/643a03dc/e3c1/?template={file}",
        "workflows://example.org:443/643a03dc/e3c1/?TEMPLATE=http://169.254.169.254/latest/meta-data",
        "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js?template={file}",
        "tgram://123456789:abcdefg_hijklmnop/12315544/?template={file}",
        "mailtos://user:password@example.org?pgp=encrypt&pgppub={file}",
        "json://127.0.0.1:1/x, vapid://me@example.org/him@example.org?subfile={file}",
    ],
)
def test_nothing_of_this_machine_is_read_written_or_shown(client: TestClient, tmp_path: Path, address: str) -> None:
    file = tmp_path / "file.json"
    file.write_text("{}")
    answer = client.post("/v1/alarms", json={"name": "here", "address": address.format(file=file)})
    assert answer.status_code == 422
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    "address",
    [
        "jsons://host/path?+X-Header=x",
        "mailtos://user:password@example.org?to=guard@example.org",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/",
        "workflows://example.org:443/643a03dc/e3c1/",
        "tgram://123456789:abcdefg_hijklmnop/12315544/",
        "ntfys://ntfy.example.org/topic",
        "rsyslog://10.0.0.7",
    ],
)
def test_what_is_of_the_network_is_known(client: TestClient, address: str) -> None:
    assert add(client, address[:20], address).status_code == 201


def test_a_name_is_given_once(client: TestClient) -> None:
    assert add(client, "twice").status_code == 201
    assert add(client, "twice").status_code == 409


def test_a_test_arrives_or_not(client: TestClient) -> None:
    with receiving() as receiver:
        number = add(client, "tested", receiver.address).json()["id"]
        assert client.post(f"/v1/alarms/{number}/test").json() == {"sent": True}
        assert "test" in receiver.messages[0]["message"]
        receiver.status = 500
        assert client.post(f"/v1/alarms/{number}/test").json() == {"sent": False}
    assert client.post("/v1/alarms/999999/test").status_code == 404


@pytest.mark.parametrize("number", ["0", "-1", "x", str(2**31), str(10**30)])
def test_numbers_that_cannot_be(client: TestClient, number: str) -> None:
    assert client.delete(f"/v1/alarms/{number}").status_code == 422


def test_the_record_knows_who_but_no_address(started: tuple[TestClient, Service]) -> None:
    client, service = started
    number = add(client, "recorded").json()["id"]
    client.delete(f"/v1/alarms/{number}")
    text = Path(service.settings.audit_log).read_text()
    assert '"alarm added"' in text
    assert '"alarm removed"' in text
    assert "secret" not in text
