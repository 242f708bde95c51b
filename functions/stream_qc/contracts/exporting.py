"""Writes rules as a data contract, which gives the same rules when it is imported."""

from __future__ import annotations

from typing import Any

from stream_qc.contracts.words import API_VERSION, IOOS_QC, ISO, KIND, OWN, TYPES, formatter_of, strptime_of
from stream_qc.errors import InvalidRules
from stream_qc.rules import load
from stream_qc.rules.published import as_document
from stream_qc.rules.streams import WHERE
from stream_qc.rules.text import content_of

LOGICAL = {ours: theirs for theirs, ours in TYPES.items()}
OPTIONS = ("minimum", "maximum", "minLength", "maxLength")
DESCRIBING = {"title": "businessName", "description": "description"}
NONE = {"mustBe": 0}


def contract_of(text: bytes | str, name: str) -> dict[str, Any]:
    """Returns the contract of a rules file. name: of the stream. Raises InvalidRules."""
    load(text)
    mistakes: list[str] = []
    document = as_document(content_of(text), mistakes)
    if mistakes:
        raise InvalidRules(mistakes)
    schema = dict(document.pop("schema", {}))
    asked = document.pop("streams", {})
    # Entries that are for some rows only have no place in a contract of their own.
    some = {name: given for name, given in asked.items() if isinstance(given, list) or WHERE in given}
    streams = {name: given for name, given in asked.items() if name not in some}
    key = schema.pop("primaryKey", [])
    keys = [key] if isinstance(key, str) else key
    properties = [_property(one, keys, streams) for one in schema.pop("fields", [])]
    table = {"name": name, "logicalType": "object", "physicalType": "file", "properties": properties}
    names = {one["name"] for one in properties}
    # Those of a time that is put together.
    others = {name: tests for name, tests in streams.items() if name not in names} | some
    own = document | ({"schema": schema} if schema else {}) | ({"streams": others} if others else {})
    if own:
        table["quality"] = [{"type": "custom", "engine": OWN, "implementation": own}]
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "id": name,
        "version": "1.0.0",
        "status": "draft",
        "schema": [table],
    }


def _property(given: dict[str, Any], keys: list[str], streams: dict[str, Any]) -> dict[str, Any]:
    field, constraints = dict(given), dict(given.get("constraints", {}))
    name, kind = field.pop("name"), field.pop("type", "any")
    field.pop("constraints", None)
    found: dict[str, Any] = {"name": name, "logicalType": LOGICAL.get(kind, "string")}
    found |= {word: field.pop(ours) for ours, word in DESCRIBING.items() if ours in field}
    found |= {key: constraints[key] for key in ("required", "unique") if key in constraints}
    if name in keys:
        found |= {"primaryKey": True, "primaryKeyPosition": keys.index(name) + 1}
    if options := _options(field, found["logicalType"], constraints):
        found["logicalTypeOptions"] = options
    quality: list[dict[str, Any]] = []
    if "enum" in constraints:
        quality.append({"metric": "invalidValues", "arguments": {"validValues": constraints["enum"]}, **NONE})
    if name in streams:
        quality.append({"type": "custom", "engine": IOOS_QC, "implementation": streams[name]})
    if quality:
        found["quality"] = quality
    # What a contract has no words for, or words with another meaning.
    own = field | ({"type": kind} if kind not in LOGICAL else {})
    own |= (
        {"constraints": constraints} if constraints.keys() & {"pattern", "exclusiveMinimum", "exclusiveMaximum"} else {}
    )
    if own:
        found["customProperties"] = [{"property": OWN, "value": own}]
    return found


def _options(field: dict[str, Any], kind: str, constraints: dict[str, Any]) -> dict[str, Any]:
    """Returns the logicalTypeOptions of a field, and takes its format if they say it. kind: its logical type."""
    found = {key: constraints[key] for key in OPTIONS if key in constraints}
    if "pattern" in constraints:
        found["pattern"] = f"^(?:{constraints['pattern']})$"
    form = formatter_of(field["format"]) if kind in ISO and field.get("format", "default") != "default" else None
    if form is not None and strptime_of(form, kind) == field["format"]:
        found["format"] = form
        del field["format"]
    return found
