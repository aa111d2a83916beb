"""From what is named to pixels, some pictures ahead: reading and decoding go on while others are looked at."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from maskwise.batch.inputs import Input, picture_column
from maskwise.data.store import filesystem, is_url
from maskwise.errors import ImageError, MaskwiseError
from maskwise.model.images import Size, decode_image, decode_reduced, read_file
from maskwise.values import Image

THREADS, AHEAD = 2, 6
"""For pictures on this machine: who reads and decodes, and how many pictures wait, which bounds the memory."""

FAR_THREADS, FAR_AHEAD = 16, 24
"""For pictures elsewhere: what takes time there is waiting."""

ROWS_AT_ONCE = 16
"""Of a Parquet file that holds pictures."""


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """One picture.

    image: at the size at which it is looked at, or why there is none.
    size: its own, upright; 0 x 0 if there is none.
    took_ms: for reading and decoding.
    again: decodes it in full.
    """

    one: Input
    image: Image | ImageError
    size: Size
    took_ms: float
    again: Callable[[], Image]


def read(coming: Sequence[Input], base: Path, long_side: int | None) -> Iterator[Read]:
    """Each picture, in order.

    Args:
        coming: what is named.
        base: the folder from which paths are seen.
        long_side: pixels of the longer side that are enough; None decodes in full.
    """
    far = any(is_url(one.path) for one in coming)
    threads, ahead = (FAR_THREADS, FAR_AHEAD) if far else (THREADS, AHEAD)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="read")
    try:
        waiting: deque[Future[Read]] = deque()
        for one, fetch in _fetches(coming, base):
            waiting.append(pool.submit(_read, one, fetch, long_side))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _read(one: Input, fetch: Callable[[], bytes], long_side: int | None) -> Read:
    began = time.perf_counter()
    name, content = shown(one), b""
    image: Image | ImageError
    try:
        content = fetch()
        if long_side is None:
            image = decode_image(content, name)
            size = image.shape[1], image.shape[0]
        else:
            image, size = decode_reduced(content, name, long_side)
    except ImageError as error:
        image, size = error, (0, 0)
    took_ms = (time.perf_counter() - began) * 1000
    return Read(one, image, size, took_ms, lambda: decode_image(content, name))


def shown(one: Input) -> str:
    """How errors call it."""
    return one.path if one.row is None else f"{one.path}, row {one.row}"


def _fetches(coming: Sequence[Input], base: Path) -> Iterator[tuple[Input, Callable[[], bytes]]]:
    """Each input with what gives its bytes; rows of a Parquet file are read in order, here, and only as they come."""
    rows: Iterator[bytes | ImageError] = iter(())
    at: Input | None = None
    for one in coming:
        if one.row is None:
            yield one, partial(_file, one.path, base)
            continue
        if at is None or (at.path, at.row) != (one.path, one.row - 1):
            rows = _rows(one.path, one.row, base)
        at = one
        yield one, _given(next(rows))


def _given(content: bytes | ImageError) -> Callable[[], bytes]:
    def give() -> bytes:
        if isinstance(content, ImageError):
            raise content
        return content

    return give


def _file(path: str, base: Path) -> bytes:
    if not is_url(path):
        try:
            return read_file(base / path)
        except ImageError as error:  # by the name that was given
            raise ImageError(str(error).replace(str(base / path), path, 1)) from error
    try:
        return bytes(_filesystem(path).cat_file(path))
    except MaskwiseError:
        raise
    except FileNotFoundError as error:
        raise ImageError(f"{path}: the file is missing; check the path") from error
    except PermissionError as error:
        raise ImageError(f"{path}: no permission to read it; change the rights, or who you are") from error
    except Exception as error:  # object stores raise types of their own
        raise ImageError(f"{path}: cannot be read ({type(error).__name__}: {error}); try it again") from error


def _filesystem(url: str) -> Any:
    """The file system of an address; made once for each store."""
    scheme, _, rest = url.partition("://")
    return _made(f"{scheme}://{rest.split('/')[0]}")


@cache
def _made(place: str) -> Any:
    return filesystem(place)[0]


def _rows(path: str, first: int, base: Path) -> Iterator[bytes | ImageError]:
    """Pictures in a Parquet file, from one row on; for ever, as an error for each, once it cannot be read."""
    at = first
    try:
        with _filesystem(path).open(path, "rb") if is_url(path) else (base / path).open("rb") as file:
            for content in _pictures(pq.ParquetFile(file), first):
                yield content or ImageError(f"{path}, row {at}: is empty; there is no picture in it")
                at += 1
        why = "the file has no such row any more"
    except (OSError, pa.ArrowException) as error:
        why = str(error)
    while True:
        yield ImageError(f"{path}, row {at}: cannot be read ({why}); check the file")
        at += 1


def _pictures(table: pq.ParquetFile, first: int) -> Iterator[bytes | None]:
    """The bytes of each row, from one on; row groups before it are not read."""
    column = picture_column(table.schema_arrow)
    if column is None:
        return
    ends = list(accumulate(table.metadata.row_group(group).num_rows for group in range(table.num_row_groups)))
    groups = [group for group, end in enumerate(ends) if end > first]
    skip = first - (ends[groups[0] - 1] if groups and groups[0] else 0)
    for batch in table.iter_batches(ROWS_AT_ONCE, row_groups=groups, columns=[column]):
        values = batch.column(0)
        for value in (values.field("bytes") if pa.types.is_struct(values.type) else values)[min(skip, len(batch)) :]:
            yield value.as_py()
        skip = max(0, skip - len(batch))
