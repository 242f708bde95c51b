"""Writes the figures into docs/costs.md, between two lines that mark them."""

from __future__ import annotations

from collections.abc import Sequence

from local.aws import ROOT
from tests.cost.counting import Used
from tests.cost.elsewhere import fargate, glue
from tests.cost.prices import DATE, PRICES, REGION

PAGE = ROOT / "docs/costs.md"
BEGIN, END = "<!-- make cost -->\n", "<!-- end of make cost -->\n"
GOAL, GOAL_SIZE = 0.35, 1_000_000  # US dollars for 1,000 uploads of this size
RUNS = 1000


def price(used: Used, what: str) -> float:
    """Returns what 1,000 uploads cost of one kind."""
    return RUNS * used.counts.get(what, 0) * PRICES[what]


def total(used: Used) -> float:
    """Returns what 1,000 uploads cost in all."""
    return sum(price(used, what) for what in PRICES)


def size_of(used: Used) -> str:
    """Returns the size of a file in words."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6)):
        if used.size >= factor:
            return f"{used.size // factor:,} {unit}"
    return f"{used.size // 1000:,} KB"


def tables(found: Sequence[Used]) -> str:
    """Returns the tables as Markdown."""
    heads = [size_of(one) for one in found]
    lines = [
        f"USD for 1,000 uploads, by the prices of {REGION} read on {DATE} (`tests/cost/prices.py`):",
        "",
        f"| what | {' | '.join(heads)} |",
        f"|---|{'---:|' * len(found)}",
    ]
    dearest = sorted(PRICES, key=lambda what: -price(found[0], what))
    lines += [f"| {what} | {' | '.join(_usd(price(one, what)) for one in found)} |" for what in dearest]
    lines.append(f"| **in all** | {' | '.join(f'**{_usd(total(one))}**' for one in found)} |")
    lines += [
        "",
        "How much of it one upload needs:",
        "",
        f"| what | {' | '.join(heads)} |",
        f"|---|{'---:|' * len(found)}",
    ]
    lines += [f"| {what} | {' | '.join(_count(one.counts.get(what, 0)) for one in found)} |" for what in PRICES]
    lines += [f"| seconds of all functions | {' | '.join(f'{one.seconds:,.2f}' for one in found)} |"]
    lines += [f"| parts | {' | '.join(f'{one.parts:,}' if one.parts else '–' for one in found)} |"]
    (asked,) = [one for one in found if one.size == GOAL_SIZE]
    met = "met" if total(asked) < GOAL else "not met"
    lines += ["", f"Goal: under {GOAL} USD for 1,000 uploads of 1 MB. It is {_usd(total(asked))} USD: {met}.", ""]
    lines += [
        "The same work elsewhere, by price lists alone. The seconds of work are those of the three processes above.",
        "",
    ]
    lines += ["| file | Stream QC | Glue Data Quality | Fargate |", "|---|---:|---:|---:|"]
    for one in found:
        others = [RUNS * of(one.working)[0] for of in (glue, fargate)]
        lines.append(f"| {size_of(one)} | {_usd(total(one))} | {' | '.join(map(_usd, others))} |")
    lines += ["", "The arithmetic, for one file:", ""]
    for one in found:
        lines.append(f"- {size_of(one)}: Glue {glue(one.working)[1]}; Fargate {fargate(one.working)[1]}")
    return "\n".join(lines) + "\n"


def write(found: Sequence[Used]) -> None:
    """Puts the tables into the page."""
    text = PAGE.read_text()
    head, _, rest = text.partition(BEGIN)
    PAGE.write_text(f"{head}{BEGIN}\n{tables(found)}\n{END}{rest.partition(END)[2]}")


def _usd(dollars: float) -> str:
    return f"{dollars:,.2f}" if dollars >= 1 else f"{dollars:.3f}"


def _count(count: float) -> str:
    return f"{count:,.0f}" if count >= 10 or count == int(count) else f"{count:.2g}"
