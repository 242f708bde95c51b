"""The largest files that can be checked. The figures and their reasons are in docs/operations.md."""

from __future__ import annotations

from pipeline.errors import FileTooLarge
from pipeline.model import ObjectVersion
from stream_qc.formats import Format, format_of

GIB = 2**30
# What fits onto the disk of a process, or what it can read in its time at 60 MB/s, unpacked to five times the size.
MOST_GIB = {"Parquet": 9, "compressed": 10, "uncompressed": 50}
MOST_GIB_IN_PARTS = 500


def check_size(file: ObjectVersion, *, in_parts: bool, why: str = "") -> None:
    """Raises FileTooLarge for a file that no process could check. why: why it is not checked in parts."""
    kind = _kind(format_of(file.key))
    most = MOST_GIB_IN_PARTS if in_parts else MOST_GIB[kind]
    if file.size <= most * GIB:
        return
    if in_parts:
        raise too_large(file, f"Files of more than {most} GiB cannot be checked; upload")
    reason = f"It must be checked in one pass, because {why}. " if why else ""
    raise too_large(
        file,
        f"{reason}A function has 15 minutes and 10 GiB of disk, so {kind} files of more than {most} GiB cannot be checked in one "
        "pass; upload",
    )


def too_large(file: ObjectVersion, why: str) -> FileTooLarge:
    """Returns the error for a file that is too large. why: a text that ends in `upload`, which is what to do."""
    return FileTooLarge(
        f"{file.key} has {file.size / GIB:,.1f} GiB. {why} the rows in several files of the same stream"
    )


def _kind(form: Format | None) -> str:
    if form and form.kind == "parquet":
        return "Parquet"
    return "compressed" if form and form.compression else "uncompressed"
