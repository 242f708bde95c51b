"""Chooses the limits of a field's tests from the spread of its values and from how they change."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from stream_qc.inferring.spread import Sample, Spread

Limits = dict[str, Any]

SMALL = 1e-300  # to round a smaller number would need smaller ones
# The usual values leave out one in a thousand at each end, or five if that is more. Margins are shares of their range.
UNUSUAL, FEW = 0.001, 5
SUSPECT_MARGIN, FAIL_MARGIN = 0.25, 0.75
FAR = 3.0  # a value this many ranges beyond the usual ones is worth a look
NEAR_ZERO = 0.25  # how far above 0 the least value is at most, as a share of the range, if no value can be below 0
# A change is suspect if it is this many times the largest usual one, and fails at twice that.
LARGE_CHANGE = 3.0
MARGIN = 1.5  # a change fails only beyond this many times the largest one in the file, which must pass
FEWEST_STEPS = 100
MOST_STILL = 0.5  # a field in which more of the steps than this are 0 is not expected to change
LONG_STILL = 10.0  # a value fails after it has stayed the same for this many times the longest time in the file
FEWEST_STILL = 10.0  # intervals; a shorter time without a change counts as this long
MOST_LEAST = 0.25  # a field with more of its values than this at the minimum, such as rain, is mostly at rest
# Fields whose limits follow from what they are: a pattern of their names, and the limits.
ANGLE = re.compile(r"(?i).*(direction|(^|[_ ])(wind[_ ]?dir|wdir|azimuth|bearing|heading)($|[_ ])).*")
SHARE = re.compile(r"(?i).*(humid|percent|pct|%|(^|[_ ])(rh|soc)($|[_ ])).*")
AMOUNT = re.compile(
    r"(?i)(wind|(.*[_ .-])?((wind[_ ]?)?speed|(wind[_ ]?)?gust|precip\w*|rain\w*|snow\w*|visib\w*|humid\w*|counts?|discharge"
    r"|depth|salin\w*|chlor\w*|turbid\w*|irradi\w*|pm[\d_]+|co2|price|weight|volume)([_ .-].*)?)"
)
NATURAL = ((ANGLE, 0, 360), (SHARE, 0, 100), (AMOUNT, 0, math.inf))


def tests_of(name: str, spread: Spread, *, in_order: bool) -> dict[str, Limits]:
    """Returns the tests of a field that its file passes. in_order: whether there is a time axis, which some of them need."""
    if not spread.values.least <= spread.values.most:
        return {}
    tests = {"gross_range_test": _gross_range(name, spread.values, spread.trend.rise)}
    if not in_order or ANGLE.match(name) or not _changes(spread):
        return tests
    spike, rate = _change(spread.spikes), _change(spread.rates)
    if spike is not None:
        tests["spike_test"] = {"suspect_threshold": spike[0], "fail_threshold": spike[1]}
    if rate is not None:
        tests["rate_of_change_test"] = {"threshold": rate[0], "fail_threshold": rate[1]}
    if spread.steps < MOST_STILL * spread.seconds.count:  # where most values are missing, a run of equal ones has holes
        return tests
    longest = max(spread.longest_still, FEWEST_STILL * spread.seconds.below(0.5))
    fail = outward(LONG_STILL * longest, math.ceil)
    suspect = outward(LONG_STILL * longest / 2, math.ceil)
    tolerance = outward(spread.smallest / 2, math.ceil)
    if tolerance:
        tests["flat_line_test"] = {"suspect_threshold": suspect, "fail_threshold": fail, "tolerance": tolerance}
    return tests


def far_values(values: Sample) -> list[float]:
    """Returns the least and the greatest value if they are far beyond the usual ones."""
    low, high = _usual(values)
    least = [values.least] if values.least < low - FAR * (high - low) else []
    return least + ([values.most] if values.most > high + FAR * (high - low) else []) if low < high else []


def _changes(spread: Spread) -> bool:
    """Returns whether a field changes all the time, so that both a jump and a standstill mean something."""
    enough = spread.steps >= FEWEST_STEPS and spread.seconds.most > 0
    return enough and spread.still <= MOST_STILL * spread.steps and not _is_rare(spread.values)


def _is_rare(values: Sample) -> bool:
    """Returns whether many values are at the minimum, as in a record of rain."""
    return values.below(MOST_LEAST) == values.least


def _usual(values: Sample) -> tuple[float, float]:
    """Returns the least and the greatest of the usual values."""
    if _is_rare(values):  # heavy rain is rare, but usual
        return values.least, values.most
    share = max(UNUSUAL, min(FEW / max(1, values.count), 0.01))
    return values.below(share), values.below(1 - share)


def _gross_range(name: str, values: Sample, rise: float) -> Limits:
    """Returns the limits of a field. rise: how much its values rise over the file; they may rise as much again."""
    low, high = _usual(values)
    span = high - low or values.most - values.least or abs(values.most) or 1.0
    least, most = _natural(name, values)
    nonnegative = 0 <= values.least <= NEAR_ZERO * span

    far = far_values(values)
    first, last = low if values.least in far else values.least, high if values.most in far else values.most

    def widened(margin: float, start: float, end: float) -> list[float]:
        start = min(low - margin * span, start) + min(rise, 0)
        end = max(high + margin * span, end) + max(rise, 0)
        start = 0 if nonnegative and start < 0 else outward(start, math.floor)
        return [max(least, start), min(most, outward(end, math.ceil))]

    more = SUSPECT_MARGIN * span
    fail = widened(FAIL_MARGIN, values.least - more, values.most + more)
    return {"suspect_span": widened(SUSPECT_MARGIN, first, last), "fail_span": fail}


def _natural(name: str, values: Sample) -> tuple[float, float]:
    for pattern, least, most in NATURAL:
        in_unit = values.most > most / 50 or math.isinf(most)  # a share may be written as 0.5
        if pattern.fullmatch(name) and least <= values.least and values.most <= most and in_unit:
            return least, most
    return -math.inf, math.inf


def _change(sample: Sample) -> tuple[float, float] | None:
    """Returns the thresholds of changes that are suspect and that fail; None if there are no changes."""
    if not 0 < sample.most < math.inf:
        return None
    suspect = LARGE_CHANGE * _usual(sample)[1]
    if not suspect:
        return None
    return outward(suspect, math.ceil), outward(max(2 * suspect, MARGIN * sample.most), math.ceil)


def outward(value: float, rounding: Callable[[float], float]) -> float:
    """Returns the value with three significant digits, rounded outward."""
    if abs(value) < SMALL:
        return rounding(value / SMALL) * SMALL
    scale = 10.0 ** (math.floor(math.log10(abs(value))) - 2)
    rounded = float(f"{rounding(value / scale) * scale:.3g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded
