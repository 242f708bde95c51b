"""Takes the rules for a stream from a data contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from stream_qc.contracts.words import IOOS_QC, ISO, OWN, TYPES, strptime_of, whole_pattern
from stream_qc.errors import InvalidRules
from stream_qc.rules.text import content_of

# Words that ask for no check.
FOR_PEOPLE = {
    "id", "name", "physicalName", "physicalType", "businessName", "description", "synonyms", "tags", "classification", "examples",
    "criticalDataElement", "deprecated", "encryptedName", "partitioned", "partitionKeyPosition", "primaryKeyPosition",
    "semanticType", "transformDescription", "transformLogic", "transformSourceObjects", "authoritativeDefinitions",
    "dataGranularityDescription",
}  # fmt: skip
CARRIED = {
    "logicalType",
    "logicalTypeOptions",
    "quality",
    "required",
    "unique",
    "primaryKey",
    "enum",
    "customProperties",
}
OPERATORS = {
    "mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan", "mustBeLessOrEqualTo",
    "mustBeBetween", "mustNotBeBetween",
}  # fmt: skip
PERCENT = 100


@dataclass
class Imported:
    """A rules document, and what of the contract it does not carry: where, and why."""

    document: dict[str, Any]
    left: list[str] = field(default_factory=list)


def rules_of(text: bytes | str, name: str | None = None) -> Imported:
    """Returns the rules that a contract asks for. name: which object of its schema, if it has several.

    Raises InvalidRules if the text is no contract, or has no such object.
    """
    contract = content_of(text)
    objects = contract.get("schema")
    if contract.get("kind") != "DataContract" or not isinstance(objects, list) or not all(map(_is_named, objects)):
        raise InvalidRules(
            ["this is no data contract: it needs `kind: DataContract` and a list of objects in `schema`"]
        )
    names = [one["name"] for one in objects]
    chosen = [one for one in objects if name in (None, one["name"])]
    if len(chosen) != 1:
        raise InvalidRules([f"schema: name one of its objects with --object: {', '.join(names)}"])
    return _Importer(chosen[0], f"schema.{chosen[0]['name']}").imported()


def _is_named(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("name"), str)


class _Importer:
    """Imports one object of a contract. place: where it is in the contract."""

    def __init__(self, table: dict[str, Any], place: str) -> None:
        self._table, self._place = table, place
        self._fields: list[dict[str, Any]] = []
        self._streams: dict[str, dict[str, Any]] = {}
        self._limits: dict[str, dict[str, float]] = {}
        self._missing: list[str] = [""]
        self._rows: dict[str, int] = {}
        self._own: dict[str, Any] = {}
        self._key: list[str] = []
        self._left: list[str] = []

    def imported(self) -> Imported:
        properties = [one for one in self._table.get("properties") or [] if _is_named(one)]
        names = {one["name"]: one.get("physicalName") or one["name"] for one in properties}
        for one in properties:
            self._field(one, f"{self._place}.{one['name']}")
        keys = [one for one in properties if one.get("primaryKey")]
        self._key = [names[one["name"]] for one in sorted(keys, key=lambda one: one.get("primaryKeyPosition") or 0)]
        for place, rule in self._rules(self._table, self._place):
            self._rule_of_table(rule, place, names)
        self._ignored(self._table, {*CARRIED, "properties"}, self._place)
        schema: dict[str, Any] = {"fields": self._fields}
        if self._key:
            schema["primaryKey"] = self._key
        if self._missing != [""]:
            schema["missingValues"] = self._missing
        document: dict[str, Any] = {"schema": {**schema, **self._own.pop("schema", {})}}
        streams = {name: {"qartod": tests} for name, tests in self._streams.items()} | self._own.pop("streams", {})
        if streams:
            document["streams"] = streams
        if self._rows:
            document["rows"] = self._rows
        if self._limits:
            document["limits"] = {"streams": self._limits}
        return Imported(document | self._own, self._left)

    def _field(self, one: dict[str, Any], place: str) -> None:
        name, kind = one.get("physicalName") or one["name"], one.get("logicalType", "string")
        described: dict[str, Any] = {"name": name}
        described |= {
            word: one[key] for key, word in (("businessName", "title"), ("description", "description")) if one.get(key)
        }
        constraints: dict[str, Any] = {key: True for key in ("required", "unique") if one.get(key)}
        described["type"] = TYPES.get(kind, "any")
        if kind not in TYPES:
            self._left.append(f"{place}: values of the type {kind} are not checked")
        self._options(one.get("logicalTypeOptions") or {}, kind, described, constraints, place)
        if one.get("enum"):
            constraints["enum"] = [entry["value"] for entry in one["enum"]]
        for at, rule in self._rules(one, place):
            self._rule_of_field(rule, at, name, constraints)
        if constraints:
            described["constraints"] = constraints
        self._fields.append(described | _own_words(one))
        self._ignored(one, CARRIED, place)

    def _options(
        self, options: dict[str, Any], kind: str, described: dict[str, Any], constraints: dict[str, Any], place: str
    ) -> None:
        for key, value in options.items():
            if key in ("minimum", "maximum", "minLength", "maxLength"):
                constraints[key] = value
            elif key == "pattern":
                constraints[key] = whole_pattern(value)
            elif key in ("exclusiveMinimum", "exclusiveMaximum") and kind == "integer":
                constraints[key[9:].lower()] = value + (1 if key == "exclusiveMinimum" else -1)
            elif key == "format" and kind in ISO and (form := strptime_of(value, kind)) is not None:
                described |= {} if form == "default" else {"format": form}
            else:
                self._left.append(f"{place}.logicalTypeOptions.{key}: {value}")

    def _rules(self, one: dict[str, Any], place: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for index, rule in enumerate(one.get("quality") or []):
            if isinstance(rule, dict):
                yield f"{place}.quality[{index}]", rule

    def _rule_of_field(self, rule: dict[str, Any], place: str, name: str, constraints: dict[str, Any]) -> None:
        arguments = rule.get("arguments") or {}
        if rule.get("engine") == IOOS_QC:
            self._streams.setdefault(name, {}).update(_implementation(rule).get("qartod", {}))
            return
        checks: dict[str, Any] = {}
        match rule.get("metric", rule.get("rule")):
            case "nullValues":
                checks["required"] = True
            case "missingValues":
                checks["required"] = True
                self._missing += [
                    text for text in arguments.get("missingValues", []) if text and text not in self._missing
                ]
            case "duplicateValues":
                checks["unique"] = True
            case "invalidValues":
                checks |= {"enum": arguments["validValues"]} if "validValues" in arguments else {}
                checks |= {"pattern": whole_pattern(arguments["pattern"])} if "pattern" in arguments else {}
        share = _share(rule)
        if not checks or share is None:
            self._left.append(f"{place}: {_described(rule)}")
            return
        constraints |= checks
        if share:
            self._limits.setdefault(name, {}).update(dict.fromkeys(checks, share))

    def _rule_of_table(self, rule: dict[str, Any], place: str, names: Mapping[str, str]) -> None:
        metric, arguments = rule.get("metric", rule.get("rule")), rule.get("arguments") or {}
        if rule.get("engine") == OWN:
            self._own |= _implementation(rule)
        elif metric == "rowCount" and (limits := _row_limits(rule)) is not None:
            self._rows |= limits
        elif metric == "duplicateValues" and _share(rule) == 0 and arguments.get("properties"):
            key = [names.get(one, one) for one in arguments["properties"]]
            if self._key not in ([], key):
                self._left.append(f"{place}: a second key, {', '.join(key)}")
            else:
                self._key = key
        else:
            self._left.append(f"{place}: {_described(rule)}")

    def _ignored(self, one: dict[str, Any], known: set[str], place: str) -> None:
        self._left += [f"{place}.{key}" for key in one if key not in known and key not in FOR_PEOPLE]


def _own_words(one: dict[str, Any]) -> dict[str, Any]:
    """Returns what a custom property of ours says of a field."""
    own = [entry["value"] for entry in one.get("customProperties") or [] if entry.get("property") == OWN]
    return own[0] if own and isinstance(own[0], dict) else {}


def _implementation(rule: dict[str, Any]) -> dict[str, Any]:
    given = rule.get("implementation") or {}
    return content_of(given) if isinstance(given, str) else given


def _share(rule: dict[str, Any]) -> float | None:
    """Returns which share of the rows a rule lets fail; None if it says it in another way."""
    operators = {key: value for key, value in rule.items() if key in OPERATORS}
    if (
        operators in ({"mustBe": 0}, {"mustBeLessThan": 1}, {"mustBeLessOrEqualTo": 0})
        and rule.get("unit") != "percent"
    ):
        return 0.0
    if operators.keys() in ({"mustBe"}, {"mustBeLessOrEqualTo"}) and rule.get("unit") == "percent":
        most = float(*operators.values())
        return most / PERCENT if most == 0 or "mustBe" not in operators else None
    return None


def _row_limits(rule: dict[str, Any]) -> dict[str, int] | None:
    found: dict[str, int] = {}
    for key, value in ((key, value) for key, value in rule.items() if key in OPERATORS):
        match key:
            case "mustBe":
                found |= {"minimum": value, "maximum": value}
            case "mustBeGreaterThan":
                found["minimum"] = value + 1
            case "mustBeGreaterOrEqualTo":
                found["minimum"] = value
            case "mustBeLessThan":
                found["maximum"] = value - 1
            case "mustBeLessOrEqualTo":
                found["maximum"] = value
            case "mustBeBetween":
                found |= {"minimum": value[0], "maximum": value[1]}
            case _:
                return None
    return found or None


def _described(rule: dict[str, Any]) -> str:
    """Returns what a rule is, in a few words."""
    operators = ", ".join(f"{key} {value}" for key, value in rule.items() if key in OPERATORS)
    if rule.get("metric"):
        return f"{rule['metric']} {operators} {rule.get('unit', '')}".strip()
    kind = f"a rule of the type {rule.get('type', 'library')}"
    return f"{kind} for {rule['engine']}" if rule.get("engine") else kind
