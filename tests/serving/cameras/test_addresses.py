from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence

import pytest

from maskwise.errors import ConfigError, InputError
from maskwise.serving.cameras.addresses import (
    UnknownHost,
    check_address,
    check_sources,
    held_in,
    parse_address,
    refusal,
    system_lookup,
)

NAMES = {
    "camera.lan": ["192.168.1.20"],
    "public.example": ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"],
    "half.example": ["93.184.216.34", "127.0.0.1"],
    "rebound.example": ["127.0.0.1"],
    "metadata.google.internal": ["169.254.169.254"],
    "scoped.example": ["fe80::1%eth0"],
    "localhost": ["127.0.0.1", "::1"],
}


def lookup(host: str) -> Sequence[str]:
    if host not in NAMES:
        raise socket.gaierror(-2, "Name or service not known")
    return NAMES[host]


def opened(text: str, *sources: str) -> str:
    return check_address(text, sources, lookup)[0]


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("rtsp://192.168.1.20/live", "rtsp://192.168.1.20/live"),
        ("rtsp://10.0.0.7:8554", "rtsp://10.0.0.7:8554"),
        ("RTSP://Camera.LAN./live", "rtsp://192.168.1.20/live"),
        ("rtsp://admin:p%40ss@camera.lan:554/h264?channel=1", "rtsp://admin:p%40ss@192.168.1.20:554/h264?channel=1"),
        ("rtsp://admin:p@ss@camera.lan/x", "rtsp://admin:p@ss@192.168.1.20/x"),
        ("rtsps://public.example/x", "rtsps://93.184.216.34/x"),
        ("rtmp://public.example/app/key", "rtmp://93.184.216.34/app/key"),
        ("rtsp://[2606:2800:220:1:248:1893:25c8:1946]:554/x", "rtsp://[2606:2800:220:1:248:1893:25c8:1946]:554/x"),
        ("rtsp://[fd12:3456:789a::1]/x", "rtsp://[fd12:3456:789a::1]/x"),
        ("rtsp://[64:ff9b::5db8:d822]/x", "rtsp://[64:ff9b::5db8:d822]/x"),
    ],
)
def test_cameras_are_opened_at_the_address_that_was_checked(text: str, target: str) -> None:
    assert opened(text) == target


@pytest.mark.parametrize(
    "text",
    [
        "rtsp://127.0.0.1/x",
        "rtsp://127.9.9.9/x",
        "rtsp://localhost/x",
        "rtsp://LOCALHOST./x",
        "rtsp://[::1]/x",
        "rtsp://[::ffff:127.0.0.1]/x",
        "rtsp://[::ffff:7f00:1]/x",
        "rtsp://[::127.0.0.1]/x",
        "rtsp://[2002:7f00:1::]/x",
        "rtsp://[64:ff9b::7f00:1]/x",
        "rtsp://[64:ff9b::a9fe:a9fe]/x",
        "rtsp://0.0.0.0/x",
        "rtsp://0.1.2.3/x",
        "rtsp://[::]/x",
        "rtsp://169.254.169.254/latest/meta-data",
        "rtsp://[::ffff:169.254.169.254]/x",
        "rtsp://[fd00:ec2::254]/x",
        "rtsp://100.100.100.200/x",
        "rtsp://169.254.7.7/x",
        "rtsp://[fe80::1]/x",
        "rtsp://224.0.0.1/x",
        "rtsp://239.1.1.1/x",
        "rtsp://[ff02::1]/x",
        "rtsp://255.255.255.255/x",
        "rtsp://240.0.0.1/x",
        "rtsp://half.example/x",
        "rtsp://rebound.example/x",
        "rtsp://metadata.google.internal/x",
        "rtsp://scoped.example/x",
        "rtsp://camera.lan@127.0.0.1/x",
        "rtsp://camera.lan:554@localhost/x",
    ],
)
def test_what_only_this_machine_can_reach_is_not_opened(text: str) -> None:
    with pytest.raises(InputError, match=r"not opened|keep their secrets"):
        opened(text)


@pytest.mark.parametrize(
    "text",
    [
        "rtsp://2130706433/x",
        "rtsp://0x7f000001/x",
        "rtsp://0x7f.1/x",
        "rtsp://0177.0.0.1/x",
        "rtsp://127.1/x",
        "rtsp://127.0.0.1.0x1/x",
        "rtsp://1.2.3.4.5/x",
        "rtsp://256.1.1.1/x",
        "rtsp://[fe80::1%25eth0]/x",
        "rtsp://[fe80::1%eth0]/x",
        "rtsp://[:::1]/x",
        "rtsp://[::1/x",
        "rtsp://[127.0.0.1]/x",
        "rtsp://camera.lan\\@127.0.0.1/x",
        "rtsp://127.0.0.1\\.camera.lan/x",
        "rtsp://%6cocalhost/x",
        "rtsp://camera lan/x",
        "rtsp://camera.lan/x y",
        "rtsp://camera.lan/\r\nHost: x",
        "rtsp://camera.lan\0.example/x",
        "rtsp://ｌocalhost/x",
        "rtsp://①②⑦.0.0.1/x",
        "rtsp:///x",
        "rtsp://",
        "rtsp://:554/x",
        "rtsp://admin:secret@/x",
        "rtsp://camera.lan:0/x",
        "rtsp://camera.lan:65536/x",
        "rtsp://camera.lan:554:555/x",
        "rtsp://camera.lan:/x",
        "rtsp://-camera.lan/x",
        "rtsp://camera..lan/x",
        "rtsp://camera.lan../x",
        "rtsp:/camera.lan/x",
        "rtsp:camera.lan",
        "//camera.lan/x",
        "file:///etc/passwd",
        "concat://a|b",
        "gopher://camera.lan/x",
        "ftp://camera.lan/x",
        "crypto+http://camera.lan/x",
        "data://camera.lan/x",
    ],
)
def test_what_several_readers_could_take_for_several_hosts_is_no_address(text: str) -> None:
    with pytest.raises(InputError):
        opened(text, "127.0.0.0/8", "camera.lan", "::/0")


@pytest.mark.parametrize("scheme", ["http", "https", "udp", "tcp", "srt"])
def test_what_is_spoken_by_more_than_cameras_must_be_named(scheme: str) -> None:
    with pytest.raises(InputError, match="named among its sources"):
        opened(f"{scheme}://192.168.1.20/x")
    assert opened(f"{scheme}://192.168.1.20/x", "192.168.0.0/16") == f"{scheme}://192.168.1.20/x"
    assert opened(f"{scheme}://192.168.1.20/x", "192.168.1.20") == f"{scheme}://192.168.1.20/x"
    with pytest.raises(InputError):
        opened(f"{scheme}://192.168.1.20/x", "192.168.2.0/24", "camera.lan")
    with pytest.raises(InputError):
        opened(f"{scheme}://public.example/x", "93.184.216.34")  # of its two addresses only one was named


@pytest.mark.parametrize(
    ("text", "sources", "target"),
    [
        ("rtsp://127.0.0.1/x", ["127.0.0.1"], "rtsp://127.0.0.1/x"),
        ("rtsp://localhost/x", ["LOCALHOST"], "rtsp://127.0.0.1/x"),
        ("rtsp://localhost./x", ["localhost."], "rtsp://127.0.0.1/x"),
        ("http://camera.lan/x", ["Camera.lan"], "http://192.168.1.20/x"),
        ("https://camera.lan/x", ["camera.lan"], "https://camera.lan/x"),
        ("rtsp://[::1]/x", ["::1"], "rtsp://[::1]/x"),
        ("udp://239.1.1.1:5000", ["239.0.0.0/8"], "udp://239.1.1.1:5000"),
        ("rtsp://169.254.169.254/x", ["169.254.169.254"], "rtsp://169.254.169.254/x"),
    ],
)
def test_what_was_named_is_opened(text: str, sources: list[str], target: str) -> None:
    assert opened(text, *sources) == target


def test_a_name_that_was_named_does_not_lead_to_the_secrets_of_a_cloud() -> None:
    with pytest.raises(InputError, match="secrets"):
        opened("http://metadata.google.internal/x", "metadata.google.internal")


def test_each_opening_asks_anew() -> None:
    answers = iter([["192.168.1.20"], ["127.0.0.1"]])
    changing = lambda _: next(answers)  # noqa: E731
    assert check_address("rtsp://dyn.example/x", (), changing)[0] == "rtsp://192.168.1.20/x"
    with pytest.raises(InputError, match="this machine"):
        check_address("rtsp://dyn.example/x", (), changing)


def test_a_host_that_is_not_known_says_so_without_the_password() -> None:
    with pytest.raises(UnknownHost) as caught:
        opened("rtsp://admin:hunter22@nowhere.example/x?token=abcdef")
    assert "hunter22" not in str(caught.value)
    assert "abcdef" not in str(caught.value)


@pytest.mark.parametrize("text", ["rtsp://admin:hunter22@127.0.0.1/x", "rtsp://admin:hunter22@host name/x"])
def test_a_refusal_does_not_repeat_the_password(text: str) -> None:
    with pytest.raises(InputError) as caught:
        opened(text)
    assert "hunter22" not in str(caught.value)


def test_ffmpeg_is_told_to_speak_nothing_else() -> None:
    _, options = check_address("http://camera.lan:81/x", ["camera.lan"], lookup)
    assert options["protocol_whitelist"] == "http,tcp"
    assert options["max_redirects"] == "0"
    assert options["headers"] == "Host: camera.lan:81\r\n"
    assert not {"hls", "dash", "concat", "sdp"} & set(options["format_whitelist"].split(","))
    _, options = check_address("rtsp://camera.lan/x", (), lookup)
    assert "file" not in options["protocol_whitelist"].split(",")
    assert "http" not in options["protocol_whitelist"].split(",")


@pytest.mark.parametrize(
    ("ip", "held"),
    [
        ("::ffff:10.1.2.3", ["10.1.2.3"]),
        ("::10.1.2.3", ["10.1.2.3"]),
        ("2002:0a01:0203::1", ["10.1.2.3"]),
        ("64:ff9b::10.1.2.3", ["10.1.2.3"]),
        ("::1", []),
        ("::", []),
        ("2606:2800:220:1:248:1893:25c8:1946", []),
        ("10.1.2.3", []),
    ],
)
def test_addresses_in_addresses(ip: str, held: list[str]) -> None:
    assert [str(one) for one in held_in(ipaddress.ip_address(ip))] == held


def test_teredo_holds_server_and_client() -> None:  # RFC 4380, 4: the client's address is inverted
    assert refusal(ipaddress.ip_address("2001:0:5db8:d822:0:0:80ff:fffe"), []) is not None  # client 127.0.0.1


@pytest.mark.parametrize("sources", [["nonsense!"], [""], ["10.0.0.0/99"], ["http://host"], ["host:80"], ["1.2.3"]])
def test_sources_that_are_none(sources: list[str]) -> None:
    with pytest.raises(ConfigError, match="sources"):
        check_sources(sources)


def test_sources_that_are() -> None:
    check_sources(["127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8", "camera.lan", "localhost", "cam-3."])


def test_this_machine_knows_itself() -> None:
    assert set(system_lookup("localhost")) & {"127.0.0.1", "::1"}


def test_parts_stand_as_they_were_written() -> None:
    address = parse_address("rtsp://u:p@Host.Example:8554/a/b?c=d#e")
    assert (address.scheme, address.login, address.host, address.port, address.rest) == (
        "rtsp", "u:p@", "host.example", ":8554", "/a/b?c=d#e",
    )  # fmt: skip
