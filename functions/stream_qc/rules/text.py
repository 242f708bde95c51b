"""Reads and writes the text of a rules file: YAML 1.2, or JSON, which is YAML too."""

from __future__ import annotations

import contextlib
import io
import json
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from stream_qc.errors import InvalidRules
from stream_qc.rules.converting import kind_of

WRONG_TAG = (LookupError, TypeError, AttributeError, ArithmeticError)  # what ruamel raises for `!!bool maybe`
WIDTH = 130  # of a line
MAX_BYTES = 1_000_000
MAX_BITS = 1000  # of a whole number: a larger one cannot be compared with a float
MAX_VALUES = 300_000  # per rules file, aliases expanded: a few bytes of YAML can expand to any size


def written(content: dict[str, Any]) -> str:
    """Returns what a rules file or a contract holds as YAML."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style, yaml.width = None, WIDTH
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # ruamel's types have only None
    text = io.StringIO()
    yaml.dump(content, text)
    return text.getvalue()


def content_of(text: bytes | str, what: str = "the rules file", most_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """Returns what a rules file holds. Raises InvalidRules if it is no mapping, or too large, or holds what no rules can."""
    if len(text) > most_bytes:
        raise InvalidRules([f"{what} has {len(text):,} bytes; the limit is {most_bytes:,}"])
    content = _mapping(_yaml(text))
    _refuse_unusable_values(content)
    return content


def _yaml(text: bytes | str) -> Any:
    """Returns what the YAML holds. Raises InvalidRules if it is not YAML."""
    try:
        return _json(text)
    except ValueError:  # not JSON, or JSON with a mistake that YAML names with its place
        pass
    with contextlib.suppress(YAMLError, ValueError, RecursionError, *WRONG_TAG):
        return YAML(typ="safe").load(text)
    try:  # the slower parser says better what is wrong
        return YAML(typ="safe", pure=True).load(text)
    except WRONG_TAG as error:
        raise InvalidRules([f"not YAML: a value does not match its tag: {error}"]) from None
    except (YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise InvalidRules([f"{place}not YAML: {problem}"]) from None


def _json(text: bytes | str) -> Any:
    """Returns what the text holds if it is JSON, which is YAML too and read a hundred times as fast. Raises ValueError."""
    return json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_refuse_constant)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise ValueError("a key occurs twice")
    return mapping


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is text in YAML")


def _mapping(content: Any) -> dict[str, Any]:
    """Returns the content if it is a mapping whose keys are text. Raises InvalidRules otherwise."""
    if content is None:
        raise InvalidRules(["the rules file is empty; delete it to accept any readable file with a header and a row"])
    if not isinstance(content, dict):
        raise InvalidRules(
            [f"the rules must be a mapping with keys such as schema and streams, not {kind_of(content)}"]
        )
    for key in content:
        if not isinstance(key, str):
            raise InvalidRules([f"the key {key!r} is not text"])
    return content


def _refuse_unusable_values(content: Any) -> None:
    """Raises InvalidRules if there are too many values, or one is too large or not valid UTF-8 (`"\\ud800"`)."""
    left, waiting = MAX_VALUES, [content]
    while waiting:
        value = waiting.pop()
        left -= 1
        if left < 0:
            raise InvalidRules([f"the rules hold more than {MAX_VALUES:,} values, or a value that contains itself"])
        if isinstance(value, dict):
            waiting.extend([*value, *value.values()])
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
            raise InvalidRules([f"the text {value!r} is not valid Unicode: it holds half of a surrogate pair"])
        elif isinstance(value, int) and value.bit_length() > MAX_BITS:
            raise InvalidRules(["a whole number is too large; the limit is 300 digits"])
