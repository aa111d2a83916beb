from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from maskwise.serving.operating.logs import Form, set_up
from tests.cli.command_line import log_as_before


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """The log of the tests is set up by pytest."""
    with log_as_before():
        yield


def written(form: Form) -> str:
    """What these messages become."""
    to = io.StringIO()
    set_up(form, to)
    log = logging.getLogger("maskwise.somewhere")
    log.debug("not seen")
    log.info("opening %s", "rtsp://nurse:hunter22@camera.example/live?token=abcdef")
    log.info("two\nlines %s", "mw_" + "A" * 43, extra={"facts": {"caller": "a\nb", "client": None, "ms": 1.5}})
    error = ValueError("cannot open rtsp://nurse:hunter22@camera.example/live")
    log.error("request failed", exc_info=error)
    logging.getLogger("others").info("not seen")
    logging.getLogger("others").warning("seen")
    return to.getvalue()


def test_json_is_an_object_a_line() -> None:
    lines = [json.loads(line) for line in written("json").splitlines()]
    assert [(line["level"], line["logger"]) for line in lines] == [
        ("info", "maskwise.somewhere"),
        ("info", "maskwise.somewhere"),
        ("error", "maskwise.somewhere"),
        ("warning", "others"),
    ]
    assert lines[0]["message"] == "opening rtsp://camera.example/live"
    assert lines[1]["ms"] == 1.5
    assert "ValueError" in lines[2]["error"]
    assert all(line["at"].endswith("Z") for line in lines)


def test_text_is_a_line_a_message() -> None:
    lines = written("text").splitlines()
    assert lines[0].endswith("INFO    opening rtsp://camera.example/live")
    assert lines[1].endswith("INFO    two\\nlines *** caller=a\\nb ms=1.5")
    assert lines[-1].endswith("WARNING seen")


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_secret_is_written(form: Form) -> None:
    said = written(form)
    for secret in ("hunter22", "nurse", "abcdef", "mw_A"):
        assert secret not in said
