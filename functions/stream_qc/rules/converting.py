"""Converts what a rules file holds to its records. A mistake is described with its place, in words that rules authors use."""

from __future__ import annotations

import re
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec

from stream_qc.schema import Constraints

T = TypeVar("T")
KINDS = {
    "str": "text", "int": "a whole number", "float": "a number", "bool": "true or false",
    "array": "a list", "object": "a mapping",
}  # fmt: skip


def convert(value: Any, kind: type[T], place: str, mistakes: list[str]) -> T | None:
    """Returns the value as the type, or None after adding a mistake with its place."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        message, _, inner = str(error).partition(" - at `$")
        inner = inner.rstrip("`").replace("[...]", "[]")
        unknown = re.fullmatch(r"Object contains unknown field `(.*)`", message)
        if unknown:
            inner, message = f"{inner}.{unknown[1]}", f"unknown key; expected one of: {', '.join(_keys(kind, inner))}"
        if message.startswith("Invalid enum value") and (allowed := _allowed(kind, inner)):
            message = f"{message.removeprefix('Invalid enum value ')} is unknown; expected one of: {', '.join(allowed)}"
        where = f"{place}{inner}".lstrip(".")
        mistakes.append(f"{where}: {_plainly(message)}")
        return None


def _plainly(message: str) -> str:
    """Returns a message of msgspec with its type names replaced by words that rules authors use."""
    missing = re.fullmatch(r"Object missing required field `(.*)`", message)
    if missing:
        return f"{missing[1]} is missing"
    for words in set(re.findall(r"`[^`]*`", message)):
        kinds = [KINDS[word] for word in words.strip("`").split(" | ") if word in KINDS]
        message = message.replace(words, " or ".join(kinds) or words.replace("null", "nothing").strip("`"))
    return message[0].lower() + message[1:]


def _keys(kind: Any, inner: str) -> list[str]:
    """Returns the keys that a structure accepts."""
    if inner.startswith(".constraints"):
        kind = Constraints
    if inner.startswith(".time"):
        return ["fields", "zone"]
    return [field.encode_name for field in msgspec.structs.fields(kind) if field.encode_name != "rowsBelowHeader"]


def _allowed(kind: Any, inner: str) -> list[str]:
    """Returns the words that a key of a structure may have."""
    attributes = {f".{field.encode_name}": field.name for field in msgspec.structs.fields(kind)}
    if inner not in attributes:
        return []
    hint = get_type_hints(kind)[attributes[inner]]
    return [word for one in (hint, *get_args(hint)) for word in get_args(one) if isinstance(word, str)]


def kind_of(value: Any) -> str:
    """Returns the kind of a YAML value in words."""
    words = {dict: "a mapping", list: "a list", str: "text", type(None): "nothing"}
    return words.get(type(value), type(value).__name__)
