"""The flags of every row in the results bucket: `flags` and `split` of the rules. No verdict depends on them."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from pipeline import objects, runs
from pipeline.aws import s3
from pipeline.environment import environment
from pipeline.model import Run
from pipeline.report import flags_key, part_key
from stream_qc import flagtable, scratch
from stream_qc.flagtable import FlagColumns, FlagParts
from stream_qc.formats import format_of
from stream_qc.reading import open_reader
from stream_qc.reading.block import Block
from stream_qc.reporting.record import Part
from stream_qc.rules import Rules
from stream_qc.schema import Schema
from stream_qc.vocabulary import PROCESSES


def save_flags(run: Run, process: int, flags: FlagColumns, rows: int) -> None:
    """Writes what one process leaves for the table: its own flags."""
    with scratch.folder() as folder:
        path = Path(folder, "flags.parquet")
        flagtable.write_flags(path, flags, rows)
        _upload(path, flags_key(run, process))


def write(run: Run, rules_of: Callable[[Run], Rules]) -> Run:
    """Writes the table of a run and, if its rules say `split`, its clean rows and the others apart; and their keys into the row.

    Returns the run with the keys. It reads the file again, and judges nothing: the flags are those that the processes left.
    """
    rules, name = rules_of(run), f"{run.group_id}/{run.stream_id}/{run.start_time}.parquet"
    with scratch.folder() as folder:
        table = Path(folder, "table.parquet")
        parts = [_downloaded(flags_key(run, process), Path(folder, f"{process}.parquet")) for process in PROCESSES]
        header, malformed = _structure(run)
        flagtable.write(
            table,
            header,
            rules.schema,
            FlagParts(parts),
            lambda schema: _blocks(run, schema, header),
            malformed=malformed,
        )
        _upload(table, f"flags/{name}")
        run = replace(run, flags_key=f"flags/{name}")
        if rules.split:
            clean, quarantine = Path(folder, "clean.parquet"), Path(folder, "quarantine.parquet")
            flagtable.split(table, clean, quarantine)
            _upload(clean, f"clean/{name}")
            _upload(quarantine, f"quarantine/{name}")
            run = replace(run, clean_key=f"clean/{name}", quarantine_key=f"quarantine/{name}")
    runs.set_results(run)
    return run


def _structure(run: Run) -> tuple[list[str], bool]:
    """Returns the fields of the file, and whether it has malformed rows."""
    found = s3().get_object(Bucket=str(environment().results_bucket), Key=part_key(run, 1))
    part = Part.decode(gzip.decompress(found["Body"].read()))
    return part.header, any(item["Check"] == "1#*#well_formed" and item["Fail"] for item in part.results)


def _blocks(run: Run, schema: Schema, header: list[str]) -> Iterator[Block]:
    form = format_of(run.file.key)
    if form is None:
        raise ValueError(f"{run.file.key} has no known extension")  # StartQC refuses such a key
    return iter(open_reader(objects.read(run.file.key, run.file.version_id), form, schema, wanted=header))


def _downloaded(key: str, path: Path) -> Path:
    s3().download_file(str(environment().results_bucket), key, str(path))
    return path


def _upload(path: Path, key: str) -> None:
    s3().upload_file(str(path), str(environment().results_bucket), key)
