"""Files that are checked in parts: cuts them, counts their rows, checks a part, and merges what was found in all of them.

What one step finds for the next is in the results bucket, under parts/ and the ID of the run: the payload of a state machine is
small. Each object is written by one invocation, so a retry writes the same again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any, BinaryIO

import msgspec
from botocore.exceptions import ClientError

from pipeline import objects
from pipeline.aws import error_code, s3
from pipeline.environment import environment
from pipeline.errors import PartMissing
from pipeline.limits import GIB, SPLIT, check_keys, check_size, most_in_one_pass, too_large
from pipeline.model import Run
from pipeline.observe import logger
from stream_qc.formats import Format, format_of
from stream_qc.parts import checking, cutting
from stream_qc.parts.cutting import Counted, Cut, Part
from stream_qc.parts.row_groups import row_group_parts
from stream_qc.reporting.drawer import Drawer
from stream_qc.results import Report
from stream_qc.rules import Rules
from stream_qc.vocabulary import PROCESSES

WHOLE = "whole"  # the checks that are run over the whole file, beside its parts
AT_ONCE = 16  # objects that are read together


def cut(run: Run, rules: Rules) -> bool:
    """Writes the cuts of the run's file, for CountRows. Returns False if the file must be checked in one pass.

    Raises FileTooLarge if it cannot be.
    """
    why = cutting.why_whole(_form(run), rules)
    if why:
        check_size(run.file, in_parts=False, why=why)
        return False
    above = most_in_one_pass(run.file)
    late = [name for process in PROCESSES for name in checking.not_in_parts(rules, process)]
    if late and run.file.size > above * GIB:
        raise too_large(
            run.file,
            f"These checks must read all rows in one pass, which a function can do for files of up to {above} GiB: "
            f"{', '.join(late)}. Leave them out, or {SPLIT}",
        )
    cuts = [Cut(0, 0, run.file.size)] if _is_parquet(run) else cutting.cut(run.file.size, _part_bytes())
    _put(run, "cuts.json", msgspec.json.encode(cuts))
    return True


def count(run: Run, cut: Cut) -> None:
    """Counts the rows that begin between two cuts, for `number`. The footer of a Parquet file says where its rows are."""
    if _is_parquet(run):
        _put(run, f"counted/{cut.number}.json", msgspec.json.encode(_row_groups(run)))
        return
    counted = cutting.count(_reader(run), run.file.size, cut, _form(run))
    _put(run, f"counted/{cut.number}.json", msgspec.json.encode(counted))


def number(run: Run, rules: Rules) -> bool:
    """Writes the parts of the run's file, for each process. Returns False if the file must be checked in one pass after all.

    Raises FileTooLarge if it cannot be.
    """
    parts, why = _numbered_row_groups(run) if _is_parquet(run) else _numbered(run)
    if why:
        logger.info("the file is checked in one pass", extra={"Why": why})
        check_size(run.file, in_parts=False, why=why)
        return False
    check_keys(run.file, sum(one.rows for one in parts), rules)
    for process in PROCESSES:
        asked: list[Any] = [msgspec.to_builtins(part) for part in parts]
        asked += [WHOLE] if checking.not_in_parts(rules, process) else []
        _put(run, f"{process}.json", msgspec.json.encode(asked))
    logger.info("the file is checked in parts", extra={"Parts": len(parts)})
    return True


def _numbered(run: Run) -> tuple[list[Part], str]:
    cuts = msgspec.json.decode(_get(run, "cuts.json"), type=list[Cut])
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda one: _get(run, f"counted/{one.number}.json"), cuts))
    return cutting.number([msgspec.json.decode(one, type=Counted) for one in found])


def _numbered_row_groups(run: Run) -> tuple[list[Part], str]:
    return msgspec.json.decode(_get(run, "counted/0.json"), type=tuple[list[Part], str])


def _row_groups(run: Run) -> tuple[list[Part], str]:
    return row_group_parts(_reader(run), run.file.size, _part_bytes())


def _part_bytes() -> int:
    return environment().split_above // 8


def _is_parquet(run: Run) -> bool:
    return _form(run).kind == "parquet"


def check(run: Run, process: int, part: Any, rules: Rules) -> None:
    """Checks one part, or runs the checks that need the whole file, and keeps what was found for `merged`."""
    if part == WHOLE:
        _put(run, f"{process}/{WHOLE}", checking.check_whole(_file(run), rules, process, drawn=True))
        return
    its = msgspec.convert(part, Part)
    _put(run, f"{process}/{its.number}", checking.check_part(_file(run), its, rules, process, drawn=True))


def merged(run: Run, process: int, rules: Rules, drawer: Drawer | None) -> Report:
    """Returns the report of a process whose parts have been checked, and draws it. Raises PartMissing and FileTooLarge."""
    asked = msgspec.json.decode(_get(run, f"{process}.json"))
    parts = [msgspec.convert(one, Part) for one in asked if one != WHOLE]
    whole = _found(run, process, WHOLE, "the whole file") if WHOLE in asked else None
    file = _file(run, most_in_one_pass(run.file) * GIB)
    return checking.merge(file, parts, _all(run, process, parts), whole, rules, process, drawer)


def _all(run: Run, process: int, parts: Sequence[Part]) -> Iterator[bytes]:
    for part in parts:
        yield _found(run, process, str(part.number), str(part))


def _found(run: Run, process: int, name: str, what: str) -> bytes:
    try:
        return _get(run, f"{process}/{name}")
    except ClientError as error:
        if error_code(error) != "NoSuchKey":
            raise
        raise PartMissing(
            f"what process {process} found in {what} is not in the results bucket; rerun the stream"
        ) from None


def _file(run: Run, most: int | None = None) -> checking.File:
    """Returns the run's file. most: how many bytes of it may be read before FileTooLarge is raised."""
    read, left = _reader(run), [most]

    def read_some(start: int, end: int) -> BinaryIO:
        if left[0] is not None:
            left[0] -= end - start
            if left[0] < 0:
                raise too_large(
                    run.file,
                    "Some of its checks need most of its rows once more, in order: keys that do not ascend, for example, or "
                    f"series whose rows stand together. Or it is damaged. To have it checked, {SPLIT}",
                )
        return read(start, end)

    return checking.File(read_some, run.file.size, _form(run))


def _reader(run: Run) -> cutting.ReadRange:
    file = run.file

    def read(start: int, end: int) -> BinaryIO:
        return objects.read(file.key, file.version_id, start, end) if start < end else BytesIO()

    return read


def _form(run: Run) -> Format:
    form = format_of(run.file.key)
    if form is None:
        raise ValueError(f"{run.file.key} has no known extension")  # StartQC refuses such a key
    return form


def _put(run: Run, name: str, content: bytes) -> None:
    s3().put_object(Bucket=str(environment().results_bucket), Key=f"parts/{run.qcpid}/{name}", Body=content)


def _get(run: Run, name: str) -> bytes:
    return objects.read_result(f"parts/{run.qcpid}/{name}")
