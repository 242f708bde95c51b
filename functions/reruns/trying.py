"""Tries rules on a file: what its own rules say of it, and what the candidates do. It writes no row, and nobody is told."""

from __future__ import annotations

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
from stream_qc.engine import check_stream
from stream_qc.errors import InvalidRules
from stream_qc.formats import format_of
from stream_qc.rules import BUILT_IN, Rules, load
from stream_qc.whatif import Compared, compare


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

    current, failure = _rules(objects.rules_for(stream))
    found_rules = objects.rules_for(stream, candidates)
    is_candidate = found_rules is not None and found_rules.key.startswith(candidates)
    candidate, new_failure = _rules(found_rules)
    if current and candidate:
        its = compare(file.key, opened, form, current, candidate)
        return Tried(file, _verdict(its.before), _verdict(its.after), its, candidate=is_candidate)
    before, after = (
        _verdict(all(report.passed for report in check_stream(opened, form, rules).values())) if rules else Status.ERROR
        for rules in (current, candidate)
    )
    return Tried(file, str(before), str(after), failure=new_failure or failure, candidate=is_candidate)


def _rules(found: ObjectVersion | None) -> tuple[Rules | None, Failure | None]:
    if found is None:
        return BUILT_IN, None
    try:
        return load(objects.read(found.key, found.version_id).read()), None
    except InvalidRules as error:
        return None, Failure("InvalidRules", f"{found.key}: {error}")


def _verdict(passed: bool) -> str:  # noqa: FBT001
    return str(Status.PASS if passed else Status.FAIL)


def place_of(rerun_id: str, number: int) -> str:
    """Returns where what was found of a file is in the results bucket."""
    return f"parts/{rerun_id}/{number}.json"
