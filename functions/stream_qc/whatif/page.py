"""The page of a what-if: which verdicts would change, and why. Self-contained HTML, without scripts."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections import Counter
from collections.abc import Sequence
from importlib.resources import files

import jinja2

from stream_qc.printable import printable
from stream_qc.whatif.comparing import WITHOUT_EFFECT, Compared, NotCompared, verdict_of


def render(
    compared: Sequence[Compared],
    not_compared: Sequence[NotCompared],
    current: str,
    candidate: str,
    most: int | None = None,
) -> str:
    """Returns the page as HTML.

    current, candidate: the names of the rules. most: how many of the compared files are on the page, those whose verdict changes
    first; by default all.
    """
    verdicts = [(verdict_of(one.before), verdict_of(one.after)) for one in compared]
    verdicts += [(one.before, one.after) for one in not_compared if one.before]
    ways = Counter({("PASS", "FAIL"): 0, ("FAIL", "PASS"): 0})  # which are told even if there are none
    ways.update(pair for pair in verdicts if pair[0] != pair[1])
    changed, count = sum(ways.values()), len(verdicts)
    ordered = sorted(compared, key=lambda one: (not one.verdict_changes, not one.changed))
    shown, left_out = ordered[:most], ordered[len(ordered[:most]) :]
    style = files("stream_qc.reporting").joinpath("page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    page: str = _template().render(
        title=f"{changed:,} of {count:,} {'verdict' if count == 1 else 'verdicts'} would change",
        left_out=len(left_out),
        left_out_changed=sum(one.verdict_changes for one in left_out),
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        style=style,
        compared=shown,
        not_compared=not_compared,
        rules_without_effect=WITHOUT_EFFECT,
        current=current,
        candidate=candidate,
        ways=ways,
    )
    return page


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"check": _check, "count": _count, "plain": printable}
    return environment.from_string(files(__package__).joinpath("page.html").read_text(encoding="utf-8"))


def _check(name: str) -> str:
    """Returns a check's name for people: `2#temp_max#maximum` is `temp_max maximum`."""
    return printable(name.replace("*#", "").split("#", 1)[1].replace("#", " "))


def _count(number: int) -> str:
    return f"{number:,}"
