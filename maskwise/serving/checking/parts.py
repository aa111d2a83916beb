"""A multipart body, piece by piece: its pictures are collected in memory, and nowhere else."""

from __future__ import annotations

from python_multipart.exceptions import FormParserError, ParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from maskwise.serving.problems import Problem
from maskwise.serving.settings import Limits

PART = "picture"
"""The name of every part."""

HEADERS, HEADER_BYTES = 16, 4096
"""Of one part: how many, and how many bytes of them."""


class PartsParser:
    """Takes the body as it comes.

    The usual parser of forms writes parts above a megabyte to a temporary file; pictures of people are not to be there.
    """

    def __init__(self, content_type: str, limits: Limits) -> None:
        """Read the boundary.

        Raises:
            Problem: 400, there is none.
        """
        boundary = parse_options_header(content_type.encode("latin-1", "replace"))[1].get(b"boundary")
        if not boundary:
            raise Problem(400, "the content type multipart/form-data has no boundary; let the client set this header")
        self._limits = limits
        self._found: list[tuple[str, bytes]] = []
        self._content = bytearray()  # a list of pieces could take many times their bytes, if they are small
        self._header_bytes = 0
        self._field, self._value, self._disposition = b"", b"", b""
        self._name, self._headers, self._ended = "", 0, False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._on_field,
                    "on_header_value": self._on_value,
                    "on_header_end": self._on_header,
                    "on_headers_finished": self._on_headers,
                    "on_part_data": self._on_data,
                    "on_part_end": self._on_part,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise _broken(error) from error

    def feed(self, chunk: bytes) -> None:
        """Take a piece.

        Raises:
            Problem: 400, 413 or 422: it is broken, too large, or has a part that is not asked for.
        """
        try:
            self._parser.write(chunk)
        except ParseError as error:
            raise _broken(error) from error

    def finish(self) -> list[tuple[str, bytes]]:
        """Name and content of each picture, in order.

        Raises:
            Problem: 400, it ended in the middle.
        """
        if not self._ended:
            raise Problem(400, "the multipart body ends before its closing boundary; send it again")
        return self._found

    def _begin(self) -> None:
        if len(self._found) >= self._limits.max_pictures:
            raise Problem(
                413, f"there are more pictures than {self._limits.max_pictures}, which is the most in one request"
            )
        self._content, self._headers, self._header_bytes = bytearray(), 0, 0
        self._disposition, self._name = b"", ""

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._count_header(end - start)
        self._field += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._count_header(end - start)
        self._value += data[start:end]

    def _count_header(self, count: int) -> None:
        self._header_bytes += count
        if self._header_bytes > HEADER_BYTES:
            raise Problem(400, f"a part's headers are longer than {HEADER_BYTES} bytes")

    def _on_header(self) -> None:
        self._headers += 1
        if self._headers > HEADERS:
            raise Problem(400, f"a part has more than {HEADERS} headers")
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field = self._value = b""

    def _on_headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        part = options.get(b"name", b"").decode("utf-8", "replace")
        if part != PART:
            raise Problem(422, f"a part is named {part[:50]!r}; every part is a picture, and named {PART}")
        self._name = options.get(b"filename", b"").decode("utf-8", "replace")

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        most = self._limits.max_bytes
        if len(self._content) + end - start > most:
            raise Problem(413, f"a picture is too large: at most {most:,} bytes are taken; send a smaller one")
        self._content += data[start:end]

    def _on_part(self) -> None:
        self._found.append((self._name, bytes(self._content)))
        self._content = bytearray()

    def _on_end(self) -> None:
        self._ended = True


def _broken(error: Exception) -> Problem:
    return Problem(400, f"the multipart body is broken: {str(error)[:200]}")
