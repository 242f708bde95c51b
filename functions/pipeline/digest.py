"""A mail about several messages: the counts first, then the problems by cause, the recoveries, and who passed."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipeline.message import SUBJECT_CHARACTERS, minute, one_line
from pipeline.model import Status
from pipeline.notice import Cause, Notice

CAUSES = 20  # with a paragraph of their own
BESIDE_BYTES = 50  # for what stands beside a name, such as since when it fails
# The order of the counts.
ORDER = (Status.FAIL, Status.ERROR, Status.REJECTED)


@dataclass(frozen=True)
class Mail:
    subject: str
    text: str


def digest(notices: list[Notice]) -> Mail:
    """Returns the mail about these messages. One alone reads as it is."""
    if len(notices) == 1 and notices[0].text:
        (only,) = notices
        doubt = "This may have been mailed before.\n\n" if only.in_doubt else ""
        return Mail(only.subject, doubt + only.text)
    asked_for = [notice for notice in notices if notice.is_asked_for]
    notices = [notice for notice in notices if not notice.is_asked_for]
    texts = [line for notice in asked_for for line in ("", "-" * 40, "", notice.text)]
    if not notices:
        return Mail(f"{asked_for[0].subject}, and {len(asked_for) - 1} more"[:SUBJECT_CHARACTERS], "\n".join(texts[3:]))
    problems = [notice for notice in notices if notice.is_problem]
    counts = ", ".join(_counts(problems))
    if problems:
        subject = f"[QC] {_many(len(problems), 'problem')} in {_many(len(notices), 'message')}: {counts}"
    else:
        subject = f"[QC PASS] {_many(len(notices), 'run')}"
    return Mail(subject[:SUBJECT_CHARACTERS], "\n".join([*_text(notices, problems, counts), *texts]))


def bytes_in_mail(notice: Notice) -> int:
    """Returns how many bytes a mail needs for the names of a stream: at each cause, where it recovered, passed or is in doubt.

    What somebody asked for is there in full.
    """
    if notice.is_asked_for:
        return len(notice.text.encode())
    name = len(notice.name.encode()) + 2
    named = name * (not notice.is_problem) + (name + BESIDE_BYTES) * notice.is_recovery + name * notice.in_doubt
    return named + (name + BESIDE_BYTES) * min(len(notice.causes), CAUSES)


def _text(notices: list[Notice], problems: list[Notice], counts: str) -> Iterator[str]:
    recovered = [notice for notice in notices if notice.is_recovery]
    passed = [notice for notice in notices if not notice.is_problem]
    parts = [f"{_many(len(problems), 'problem')} ({counts})"] if problems else []
    parts += [f"{len(recovered):,} recovered"] if recovered else []
    parts += [f"{len(passed):,} passed"] if passed else []
    yield f"{', '.join(parts)}: {_many(len(notices), 'message')}"
    yield from _problems(problems)
    if recovered:
        yield ""
        yield "Recovered"
        for notice in recovered:
            since = f", since {minute(notice.since)}" if notice.since else ""
            yield f"  {one_line(notice.name)} ({notice.previous_status} before{since})"
    if passed:
        yield ""
        yield f"Passed: {_names(passed)}"
    if doubtful := [notice for notice in notices if notice.in_doubt]:
        yield ""
        yield f"May have been mailed before: {_names(doubtful)}"
        yield "  SNS did not say whether it sent that mail."
    yield from _what_to_type(problems or notices)


def _problems(problems: list[Notice]) -> Iterator[str]:
    """Yields a paragraph for each cause, that of most streams first."""
    by_cause: dict[str, list[tuple[Notice, Cause]]] = collections.defaultdict(list)
    for notice in problems:
        for cause in notice.causes:
            by_cause[cause.name].append((notice, cause))
    ordered = sorted(by_cause.items(), key=lambda item: -len(item[1]))
    for name, found in ordered[:CAUSES]:
        yield ""
        first, cause = found[0]
        if cause.alone:
            yield one_line(name, 600)
            yield from (f"  {one_line(line, 500)}" for line in cause.example)
            continue
        yield f"{one_line(name, 600)}: {_many(len({notice.name for notice, _ in found}), 'stream')}"
        yield f"  {_names(notice for notice, _ in found)}"
        if cause.example:
            yield f"  For example {one_line(first.name)}: {one_line(cause.example[0], 500)}"
            yield from (f"    {one_line(line)}" for line in cause.example[1:])
    if left := ordered[CAUSES:]:
        yield ""
        yield f"{_many(len(left), 'more cause')}, in: {_names(notice for _, found in left for notice, _ in found)}"


def _names(notices: Iterable[Notice]) -> str:
    """Returns the names, each once, with how long a problem has lasted and how many messages there are of the stream."""
    found: dict[str, list[Notice]] = collections.defaultdict(list)
    for notice in notices:
        found[notice.name].append(notice)
    return ", ".join(one_line(name) + _beside(same) for name, same in found.items())


def _beside(same: list[Notice]) -> str:
    last = same[-1]
    times = len({notice.message_id for notice in same})
    notes = [f"{times:,} times"] if times > 1 else []
    if last.is_problem and last.since and last.runs:
        notes.append(f"since {minute(last.since)}, {last.runs:,} runs")
    if last.due:
        notes.append(f"due {minute(last.due)}")
    return f" ({'; '.join(notes)})" if notes else ""


def _counts(problems: list[Notice]) -> Iterator[str]:
    count = collections.Counter(notice.status for notice in problems)
    for status in (*ORDER, *sorted(count.keys() - {*ORDER})):
        if count[status]:
            yield f"{count[status]:,} {status}"


def _what_to_type(notices: list[Notice]) -> Iterator[str]:
    """Yields the command for the first of the commonest kind, and says that it is the same for the others of that kind."""
    kinds = collections.Counter(notice.kind for notice in notices if notice.command)
    if not kinds:
        return
    ((kind, count),) = kinds.most_common(1)
    first = next(notice for notice in notices if notice.command and notice.kind == kind)
    others = f" (and the other {count - 1:,} in the same way)" if count > 1 else ""
    yield ""
    yield f"{kind} {one_line(first.name)}{others}"
    yield first.command


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
