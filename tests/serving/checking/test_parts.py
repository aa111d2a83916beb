from __future__ import annotations

import tempfile
import tracemalloc
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


PIECES = [
    b"--xyz",
    b"--",
    b"\r\n",
    b"\r",
    b"\n",
    b"-",
    b"x",
    b"\0",
    b"\xff",
    b":",
    b";",
    b"=",
    b'"',
    b"\\",
    b" ",
    part(b"y"),
]
PIECES += [b"Content-Disposition: form-data", b'name="picture"', b"filename*=utf-8''%ff", b"\r\n--xyz\r\n", END]


@given(st.lists(st.sampled_from(PIECES), max_size=25), st.integers(1, 40))
def test_whatever_comes_is_taken_or_refused_and_the_same_however_it_was_cut(pieces: list[bytes], step: int) -> None:
    def outcome(step: int) -> list[tuple[str, bytes]] | None:
        try:
            return parsed(b"".join(pieces), step)
        except Problem:
            return None

    assert outcome(step) == outcome(100_000)


def test_many_small_pieces_take_no_more_memory_than_their_bytes() -> None:
    body = part(b"\r\n-" * 700_000) + END
    tracemalloc.start()
    try:
        parsed(body, 65_536, Limits())
        assert tracemalloc.get_traced_memory()[1] < 4 * len(body)
    finally:
        tracemalloc.stop()
