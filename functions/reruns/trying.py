"""Tries rules on a file: what its own rules say of it, and what the candidates do. It writes no row, and nobody is told."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

import msgspec

from pipeline import objects
from pipeline.errors import FileTooLarge, StreamNotFound
from pipeline.limits import check_size_of_what_if
from pipeline.model import Failure, ObjectVersion, Status, StreamId
from reruns import progress
from reruns.listing import File
from stream_qc.engine import Open, check_stream
from stream_qc.errors import InvalidRules
from stream_qc.formats import Format, format_of
from stream_qc.rules import BUILT_IN, Rules, load
from stream_qc.whatif import Compared, UnusableRules, compare


@dataclass(frozen=True)
class Tried:
    """What the current rules say of a file, and the candidates. before, after: PASS, FAIL or ERROR; "" where it was not checked.

    compared: the difference, where both can be used. failure: why one of them cannot, or why the file was not checked. candidate:
    whether the rules are one of the candidates.
    """

    file: File
    before: str = ""
    after: str = ""
    compared: Compared | None = None
    failure: Failure | None = None
    candidate: bool = False

    @property
    def changes(self) -> bool:
        return self.before != self.after

    @property
    def stream(self) -> str:
        return f"{self.file.group_id}/{self.file.stream_id}"

    @property
    def why(self) -> str:
        return f"{self.failure.error}: {self.failure.cause}" if self.failure else ""


def names(tried: Sequence[Tried]) -> list[str]:
    """Returns the name of each for people: its stream, and its file and version where the stream has several."""
    count = Counter(one.stream for one in tried)
    return [
        one.stream if count[one.stream] == 1 else f"{one.stream} ({one.file.key}, version {one.file.version_id})"
        for one in tried
    ]


def try_file(rerun_id: str, number: int, file: File, candidates: str) -> Tried:
    """Checks a file by its rules and by the candidates, and writes what both say. number: of the file in its list."""
    tried = _tried(file, candidates)
    progress.put_bytes(place_of(rerun_id, number), msgspec.json.encode(tried))
    return tried


def _tried(file: File, candidates: str) -> Tried:
    form, stream = format_of(file.key), StreamId(file.group_id, file.stream_id)
    if form is None:
        raise ValueError(f"{file.key} has no known extension")  # such a file is not listed
    try:
        found = objects.locate(file.key, file.version_id)
        check_size_of_what_if(found)
    except (StreamNotFound, FileTooLarge) as error:
        return Tried(file, failure=Failure(type(error).__name__, str(error)))

    def opened() -> BinaryIO:
        return objects.read(file.key, file.version_id)

    found_today, found_now = objects.rules_for(stream), objects.rules_for(stream, candidates)
    is_candidate = found_now is not None and found_now.key.startswith(candidates)
    current, candidate = _rules(found_today), _rules(found_now)
    if isinstance(current, Rules) and isinstance(candidate, Rules):
        with contextlib.suppress(UnusableRules):  # each is tried alone, as where one cannot be loaded
            its = compare(file.key, opened, form, current, candidate)
            return Tried(file, _verdict(its.before), _verdict(its.after), its, candidate=is_candidate)
    before, why = _judged(opened, form, current, found_today)
    after, new_why = _judged(opened, form, candidate, found_now)
    return Tried(file, before, after, failure=new_why or why, candidate=is_candidate)


def _rules(found: ObjectVersion | None) -> Rules | Failure:
    if found is None:
        return BUILT_IN
    try:
        return load(objects.read(found.key, found.version_id).read())
    except InvalidRules as error:
        return _invalid(found, error)


def _judged(
    opened: Open, form: Format, rules: Rules | Failure, found: ObjectVersion | None
) -> tuple[str, Failure | None]:
    """Returns what rules say of a file: its verdict, or ERROR and why they cannot be used."""
    if isinstance(rules, Failure):
        return str(Status.ERROR), rules
    try:
        reports = check_stream(opened, form, rules)
    except InvalidRules as error:
        return str(Status.ERROR), _invalid(found, error)
    return _verdict(all(report.passed for report in reports.values())), None


def _invalid(found: ObjectVersion | None, error: InvalidRules) -> Failure:
    return Failure("InvalidRules", f"{found.key}: {error}" if found else str(error))


def _verdict(passed: bool) -> str:  # noqa: FBT001
    return str(Status.PASS if passed else Status.FAIL)


def place_of(rerun_id: str, number: int) -> str:
    """Returns where what was found of a file is in the results bucket."""
    return f"parts/{rerun_id}/{number}.json"
