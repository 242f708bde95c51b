"""The page of a what-if: which verdicts would change, and why. Self-contained HTML, without scripts."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files

import jinja2

from stream_qc.printable import printable
from stream_qc.whatif.comparing import WITHOUT_EFFECT, Compared


def render(
    compared: Sequence[Compared], unusable: Mapping[str, str], current: str, candidate: str, left_out: int = 0
) -> str:
    """Returns the page as HTML.

    unusable: files that could not be checked, and why. current, candidate: the names of the rules. left_out: how many files are
    not on the page, none of which has another verdict.
    """
    count = len(compared) + left_out
    worse = sum(one.verdict_changes and one.before for one in compared)
    better = sum(one.verdict_changes and one.after for one in compared)
    style = files("stream_qc.reporting").joinpath("page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    page: str = _template().render(
        title=f"{worse + better:,} of {count:,} {'verdict' if count == 1 else 'verdicts'} would change",
        left_out=left_out,
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        style=style,
        compared=sorted(compared, key=lambda one: not one.verdict_changes),
        unusable=unusable,
        rules_without_effect=WITHOUT_EFFECT,
        current=current,
        candidate=candidate,
        worse=worse,
        better=better,
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
