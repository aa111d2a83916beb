"""From an entry of the catalog to a folder of verified data."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

from maskwise.data.catalog import Entry
from maskwise.data.catalog.entry import check_sha256
from maskwise.data.fetch import content, record, tree
from maskwise.data.fetch.copying import copy_file, copy_folder
from maskwise.data.fetch.download import Patience, Progress, Say
from maskwise.data.fetch.limits import Budget, Limits
from maskwise.data.fetch.record import Archive, Fetched, Record
from maskwise.data.fetch.sources import DOWNLOADS, Source, downloaded, handed_in, put_aside
from maskwise.data.fetch.unpack import unpack
from maskwise.errors import ConfigError, DataError, StorageError
from maskwise.model.storage import PARTIAL

Bar = Callable[[str], AbstractContextManager[Progress]]


def fetch(
    entry: Entry,
    folder: str | Path,
    *,
    accepted: bool = False,
    given: Sequence[str | Path] = (),
    sha256: str = "",
    max_bytes: int | None = None,
    limits: Limits | None = None,
    patience: Patience | None = None,
    progress: Bar | None = None,
    say: Say | None = None,
) -> Fetched:
    """Bring a set into a folder, verified and unpacked.

    Args:
        entry: what to fetch.
        folder: where to; made when it is not there.
        accepted: whether the user accepts the licence.
        given: files and folders that were downloaded by hand; then nothing is downloaded.
        sha256: the hash that the one file has to have; goes before the catalog's.
        max_bytes: a larger file is not downloaded.
        limits: what may come out of the archives.
        patience: how long to go on trying.
        progress: called with what begins, for as long as that takes; what it gives is called with (done, total).
        say: hears a line about whatever one should know.

    Returns:
        What is there now. Where it was there before, it is verified once more, and nothing is fetched.

    Raises:
        ConfigError: the licence has to be accepted first, or `sha256` does not go with it.
        DataError: it cannot be had, or is not what it should be; says what to do.
        StorageError: it cannot be written.
    """
    folder, say, bar = Path(folder), say or (lambda _message: None), progress or _no_bar
    before = record.load(folder)
    _check_place(entry, folder, before)
    if before and (folder / record.DATA).is_dir():
        return _verified(entry, folder, before, sha256, bar)
    _check_request(entry, before, accepted, given, sha256)
    if given:
        sources = handed_in(entry, [Path(path) for path in given], before, sha256)
    else:
        sources = downloaded(entry, folder, before, sha256, max_bytes, patience or Patience(), bar, say)
    try:
        made = _make(entry, folder, before, accepted, sources, limits or Limits(), bar)
    except DataError as error:
        if given:
            raise
        raise DataError(f"{error}{_doubted(sources)}") from error
    for archive in made.archives:
        _tell_trust(archive, say)
    shutil.rmtree(folder / DOWNLOADS, ignore_errors=True)
    for remark in made.remarks:
        say(f"{entry.name}: {remark}")
    return _fetched(entry, folder, made, already=False)


def by_hand(entry: Entry) -> str:
    """What to do for a set that cannot be downloaded by a program."""
    steps = "".join(f"\n  {number}. {step}" for number, step in enumerate(entry.get.steps, start=1))
    accept = " --accept-licence" if entry.licence.accept else ""
    return (
        f"{entry.name} has to be downloaded by hand:{steps}\nIts licence: {entry.licence.line}.\n"
        f"Then run: maskwise data fetch {entry.name}{accept} --from FILE"
    )


def _check_place(entry: Entry, folder: Path, before: Record | None) -> None:
    if before and before.name != entry.name:
        raise DataError(f"{folder} holds the set {before.name}; name another folder for {entry.name} with -o")
    if not before and (folder / record.DATA).exists():
        raise DataError(f"{folder / record.DATA} was not made by a fetch; name another folder with -o")


def _check_request(
    entry: Entry, before: Record | None, accepted: bool, given: Sequence[str | Path], sha256: str
) -> None:
    check_sha256("--sha256", sha256)
    if not given and entry.get.how == "by hand":
        raise DataError(by_hand(entry))
    if entry.licence.accept and not accepted and not (before and before.accepted):
        raise ConfigError(
            f"the licence of {entry.name}: {entry.licence.line}. Fetch it with --accept-licence if you accept that"
        )
    if sha256 and len(given or entry.get.files) != 1:
        raise ConfigError(f"--sha256 is for one file, here are {len(given or entry.get.files)}; leave it out")


def _doubted(sources: Sequence[Source]) -> str:
    """Put aside what no checksum vouches for, lest the next run take it again."""
    aside = [
        str(put_aside(source.path)) for source in sources if source.archive and source.archive.trust == "first use"
    ]
    return f" (put aside as {', '.join(aside)})" if aside else ""


def _tell_trust(archive: Archive, say: Say) -> None:
    if archive.trust != "first use":
        return
    if archive.stable:
        say(
            f"{archive.name}: no checksum of it is published. Its SHA-256 is recorded, and a later fetch has to bring "
            f"the same: {archive.sha256}"
        )
    else:
        say(f"{archive.name}: packed anew by its host each time, so the hashes of its files are recorded instead")


def _make(
    entry: Entry,
    folder: Path,
    before: Record | None,
    accepted: bool,
    sources: Sequence[Source],
    limits: Limits,
    bar: Bar,
) -> Record:
    """Unpack, verify, and let it appear whole, with its record."""
    with _folder_made_whole(folder / record.DATA) as data:
        _unpack_all(entry, sources, data, limits, bar)
        try:
            root = content.find_root(entry, data)
            counts = content.count(entry, root)
            remarks = content.compare(entry, counts)
        except DataError as error:
            raise DataError(f"{', '.join(source.path.name for source in sources)}: {error}") from error
        with bar("hashing files") as tick:
            hashes = tree.hash_tree(data, tick)
        _check_tree(entry, folder, before, hashes)
        made = Record(
            name=entry.name,
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            licence=entry.licence.line,
            accepted=accepted or bool(before and before.accepted),
            archives=tuple(source.archive for source in sources if source.archive),
            files=len(hashes),
            tree_sha256=tree.tree_sha256(hashes),
            root=root.relative_to(data).as_posix(),
            counts=counts,
            remarks=remarks,
        )
        tree.write(hashes, folder / record.FILES, record.DATA)
        record.save(made, folder)
    return made


@contextmanager
def _folder_made_whole(folder: Path) -> Iterator[Path]:
    """A folder to fill beside `folder`; renamed to it at the end, removed after an error or an interruption."""
    partial = folder.with_name(folder.name + PARTIAL)
    shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed
    try:
        try:
            partial.mkdir(parents=True)
        except OSError as error:
            raise StorageError(f"cannot write {partial}: {error.strerror or error}; name another folder") from error
        yield partial
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _unpack_all(entry: Entry, sources: Sequence[Source], data: Path, limits: Limits, bar: Bar) -> None:
    budget = Budget(limits)
    for source in sources:
        with bar(f"unpacking {source.path.name}") as tick:
            if source.path.is_dir():
                copy_folder(source.path, data, budget, progress=tick)
            elif source.unpack:
                unpack(source.path, data, budget, keep=entry.get.keep, progress=tick)
            else:
                copy_file(source.path, data, budget)
    for pattern in entry.get.inner:
        for archive in sorted(path for path in data.glob(pattern) if path.is_file()):
            unpack(archive, archive.with_suffix(""), Budget(limits))
            archive.unlink()


def _check_tree(entry: Entry, folder: Path, before: Record | None, hashes: dict[str, str]) -> None:
    found = tree.tree_sha256(hashes)
    wanted = entry.get.tree_sha256
    if wanted and found != wanted:
        raise DataError(
            f"the files of {entry.name} have together the SHA-256 {found}, the catalog says {wanted}; its publisher "
            "has changed the set, or somebody else has"
        )
    if before and found != before.tree_sha256:
        how = tree.differences(tree.read(folder / record.FILES, record.DATA), hashes)
        raise DataError(
            f"the files of {entry.name} are not those that were fetched at {before.at}: {how}; to take the new ones, "
            f"remove {folder / record.RECORD}"
        )


def _verified(entry: Entry, folder: Path, before: Record, sha256: str, bar: Bar) -> Fetched:
    """What is there already, after its files were hashed once more."""
    if sha256 and [archive.sha256 for archive in before.archives] != [sha256]:
        raise DataError(f"{folder} was made of other files than one with the SHA-256 {sha256}; name another with -o")
    with bar("verifying files") as tick:
        hashes = tree.hash_tree(folder / record.DATA, tick)
    if tree.tree_sha256(hashes) != before.tree_sha256:
        how = tree.differences(tree.read(folder / record.FILES, record.DATA), hashes)
        raise DataError(
            f"{folder / record.DATA} was altered since it was fetched: {how or 'and so was its list of files'}; remove "
            "that folder and fetch again"
        )
    return _fetched(entry, folder, before, already=True)


def _fetched(entry: Entry, folder: Path, made: Record, *, already: bool) -> Fetched:
    data = folder / record.DATA / made.root
    return Fetched(folder, data, entry.layout, made, entry.aliases, already)


def _no_bar(_what: str) -> AbstractContextManager[Progress]:
    return nullcontext(lambda _done, _total: None)
