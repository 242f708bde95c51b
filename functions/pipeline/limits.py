"""The largest files that can be checked. The figures and their reasons are in docs/operations.md."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.errors import FileTooLarge
from pipeline.model import ObjectVersion
from stream_qc.formats import Format, format_of

if TYPE_CHECKING:  # takes longer to load than a run to start
    from stream_qc.rules import Rules

GIB = 2**30
# What fits onto the disk of a process, or what it can read in its time at 60 MB/s, unpacked to five times the size.
MOST_GIB = {"Parquet": 9, "compressed": 10, "uncompressed": 50}
MOST_GIB_IN_PARTS = 500
MOST_HASHED = 1_000_000_000  # keys, at 8 bytes each
WHAT_IF = 5  # the share of MOST_GIB that it may have
SPLIT = "upload the rows in several files of the same stream"


def check_size(file: ObjectVersion, *, in_parts: bool, why: str = "") -> None:
    """Raises FileTooLarge for a file that no process could check. why: why it is not checked in parts."""
    kind = _kind(format_of(file.key))
    most = MOST_GIB_IN_PARTS if in_parts else MOST_GIB[kind]
    if file.size <= most * GIB:
        return
    if in_parts:
        raise too_large(file, f"Files of more than {most} GiB cannot be checked; {SPLIT}")
    reason = f"It must be checked in one pass, because {why}. " if why else ""
    raise too_large(
        file,
        f"{reason}A function has 15 minutes and 10 GiB of disk, so {kind} files of more than {most} GiB cannot be checked in one "
        f"pass; {SPLIT}",
    )


def most_in_one_pass(file: ObjectVersion) -> int:
    """Returns how many GiB of such a file a function can read in one pass."""
    return MOST_GIB[_kind(format_of(file.key))]


def check_size_of_what_if(file: ObjectVersion) -> None:
    """Raises FileTooLarge for a file that one function could not check twice, and read once more for each check that fails."""
    kind = _kind(format_of(file.key))
    most = MOST_GIB[kind] // WHAT_IF
    if file.size > most * GIB:
        raise too_large(file, f"A what-if takes {kind} files of up to {most} GiB; {SPLIT}")


def check_keys(file: ObjectVersion, rows: int, rules: Rules) -> None:
    """Raises FileTooLarge if the keys of all rows would not fit onto the disk of a function."""
    if rows > MOST_HASHED and len(rules.schema.primary_key) > 1:
        raise too_large(
            file,
            f"A primaryKey of several fields can be checked for up to {MOST_HASHED:,} rows, and it has {rows:,}. Leave it out, "
            f"or {SPLIT}",
        )


@contextmanager
def full_disk_is_too_large(file: ObjectVersion) -> Iterator[None]:
    """Raises FileTooLarge where the disk of the function is full."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise too_large(
            file, f"What its checks keep of its rows does not fit onto the 10 GiB of disk of a function; {SPLIT}"
        ) from error


def too_large(file: ObjectVersion, why: str) -> FileTooLarge:
    """Returns the error for a file that is too large. why: sentences that end in what to do."""
    return FileTooLarge(f"{file.key} has {file.size / GIB:,.1f} GiB. {why}")


def _kind(form: Format | None) -> str:
    if form and form.kind == "parquet":
        return "Parquet"
    return "compressed" if form and form.compression else "uncompressed"
