"""Takes the rules for a stream from a data contract."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from stream_qc.checks import MODULES, NOT_SUPPORTED, TESTS
from stream_qc.contracts.constraints import Gathered
from stream_qc.contracts.model import Options, Property, Quality, Table
from stream_qc.contracts.words import IOOS_QC, ISO, KIND, MOST_BYTES, OWN, TYPES, strptime_of, whole_pattern
from stream_qc.errors import InvalidRules
from stream_qc.rules.converting import convert
from stream_qc.rules.text import content_of

# Words that ask for no check: of a contract, and of its objects and their properties.
OF_CONTRACT = {
    "apiVersion", "kind", "id", "version", "status", "name", "domain", "dataProduct", "tenant", "description", "tags", "servers",
    "price", "team", "roles", "support", "authoritativeDefinitions", "customProperties", "contractCreatedTs",
    "slaDefaultElement", "schema",
}  # fmt: skip
OF_ELEMENT = {
    "id", "name", "physicalName", "physicalType", "businessName", "description", "synonyms", "tags", "classification", "examples",
    "criticalDataElement", "deprecated", "encryptedName", "partitioned", "partitionKeyPosition", "primaryKeyPosition",
    "semanticType", "transformDescription", "transformLogic", "transformSourceObjects", "authoritativeDefinitions",
    "dataGranularityDescription",
}  # fmt: skip
CARRIED = {
    "logicalType", "logicalTypeOptions", "quality", "required", "unique", "primaryKey", "enum", "customProperties", "properties",
}  # fmt: skip
OF_OPTIONS = {
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "pattern",
    "format",
}
PERCENT = 100


@dataclass
class Imported:
    """A rules document, and the parts of the contract that it leaves out, each with its place."""

    document: dict[str, Any]
    left: list[str] = field(default_factory=list)


def rules_of(text: bytes | str, name: str | None = None) -> Imported:
    """Returns the rules that a contract asks for. name: which object of its schema, if it has several.

    Raises InvalidRules if the text is no contract, has no such object, or has a mistake in it.
    """
    contract = content_of(text, "the contract", MOST_BYTES)
    objects = contract.get("schema")
    if (
        contract.get("kind") != KIND
        or not isinstance(objects, list)
        or not all(isinstance(one, dict) for one in objects)
    ):
        raise InvalidRules(
            ["this is no data contract: it needs `kind: DataContract` and a list of objects in `schema`"]
        )
    names = [str(one.get("name")) for one in objects]
    chosen = [index for index, one in enumerate(names) if name in (None, one)]
    if len(chosen) != 1:
        raise InvalidRules([f"schema: name one of its objects with --object: {', '.join(names)}"])
    (index,) = chosen
    mistakes: list[str] = []
    table = convert(objects[index], Table, f"schema[{index}]", mistakes)
    if table is None:
        raise InvalidRules(mistakes)
    found = _Importer(table, objects[index]).imported()
    found.left += [key for key in contract if key not in OF_CONTRACT]
    return found


class _Importer:
    """Imports one object of a contract. written: the object with all of its words."""

    def __init__(self, table: Table, written: dict[str, Any]) -> None:
        self._table, self._written, self._place = table, written, f"schema.{table.name}"
        self._fields: list[dict[str, Any]] = []
        self._streams: dict[str, dict[str, Any]] = {}
        self._limits: dict[str, dict[str, float]] = {}
        self._missing: list[str] = [""]
        self._rows = Gathered()
        self._own: dict[str, Any] = {}
        self._key: list[str] = []
        self._left: list[str] = []
        self._mistakes: list[str] = []

    def imported(self) -> Imported:
        properties = self._table.properties or []
        for one, written in zip(properties, self._written.get("properties") or [], strict=True):
            self._field(one, written, f"{self._place}.{one.name}")
        keys = sorted((one for one in properties if one.primary_key), key=lambda one: one.primary_key_position)
        self._key = [one.field for one in keys]
        names = {one.name: one.field for one in properties}
        for place, rule in self._rules(self._table, self._place):
            self._rule_of_table(rule, place, names)
        self._ignored(self._written, OF_ELEMENT | CARRIED, self._place)
        if self._mistakes:
            raise InvalidRules(self._mistakes)
        return Imported(self._document(), self._left)

    def _document(self) -> dict[str, Any]:
        schema: dict[str, Any] = {"fields": self._fields}
        if self._key:
            schema["primaryKey"] = self._key
        if self._missing != [""]:
            schema["missingValues"] = self._missing
        streams = {name: _by_module(tests) for name, tests in self._streams.items()}
        document: dict[str, Any] = {"schema": schema | self._own.pop("schema", {})}
        if streams := streams | self._own.pop("streams", {}):
            document["streams"] = streams
        if self._rows.found:
            document["rows"] = self._rows.found
        if self._limits:
            document["limits"] = {"streams": self._limits}
        return document | self._own

    def _field(self, one: Property, written: dict[str, Any], place: str) -> None:
        described: dict[str, Any] = {"name": one.field}
        described |= {"title": one.business_name} if one.business_name else {}
        described |= {"description": one.description} if one.description else {}
        described["type"] = TYPES.get(one.logical_type, "any")
        if one.logical_type not in TYPES:
            self._left.append(f"{place}: values of the type {one.logical_type} are not checked")
        gathered = Gathered()
        for key, asked in (("required", one.required), ("unique", one.unique)):
            if asked:
                gathered.add(key, value=True)
        if one.enum:
            gathered.add("enum", [entry.value for entry in one.enum])
        if one.logical_type_options is not None:
            described |= self._options(
                one.logical_type_options, one.logical_type, gathered, f"{place}.logicalTypeOptions"
            )
            self._ignored(written["logicalTypeOptions"], OF_OPTIONS, f"{place}.logicalTypeOptions")
        for at, rule in self._rules(one, place):
            self._rule_of_field(rule, at, one.field, gathered)
        if gathered.found:
            described["constraints"] = gathered.found
        if gathered.shares:
            self._limits[one.field] = gathered.shares
        self._fields.append(described | self._own_words(one, place))
        self._ignored(written, OF_ELEMENT | CARRIED, place)

    def _options(self, options: Options, kind: str, gathered: Gathered, place: str) -> dict[str, Any]:
        """Adds what the options ask for, and returns the format."""
        asked = {"minimum": options.minimum, "maximum": options.maximum}
        for limit, exclusive in (("minimum", options.exclusive_minimum), ("maximum", options.exclusive_maximum)):
            if exclusive is None or exclusive is False:
                continue
            least = asked[limit] if exclusive is True else exclusive  # a boolean in ODCS 3.0
            if kind != "integer" or isinstance(least, str) or least is None:
                self._left.append(f"{place}.exclusive{limit.title()}: {exclusive}")
                continue
            gathered.add(limit, math.floor(least) + 1 if limit == "minimum" else math.ceil(least) - 1)
        asked |= {"minLength": options.min_length, "maxLength": options.max_length}
        for key, value in asked.items():
            if value is not None and not gathered.add(key, value):
                self._left.append(f"{place}.{key}: {value}")
        if options.pattern is not None and not gathered.add("pattern", whole_pattern(options.pattern)):
            self._left.append(f"{place}.pattern: {options.pattern}")
        if options.format is None:
            return {}
        form = strptime_of(options.format, kind) if kind in ISO else None
        if form is None:
            self._left.append(f"{place}.format: {options.format}")
        return {} if form in (None, "default") else {"format": form}

    def _rules(self, one: Property | Table, place: str) -> Iterator[tuple[str, Quality]]:
        for index, rule in enumerate(one.quality or []):
            yield f"{place}.quality[{index}]", rule

    def _rule_of_field(self, rule: Quality, place: str, name: str, gathered: Gathered) -> None:
        if rule.engine == IOOS_QC and rule.type == "custom":
            self._tests(self._implementation(rule, place), name, place)
            return
        checks, arguments = dict[str, Any](), rule.arguments
        if rule.measured in ("nullValues", "missingValues"):
            checks["required"] = True
        elif rule.measured == "duplicateValues" and not arguments.properties:
            checks["unique"] = True
        elif rule.measured == "invalidValues":
            checks |= {} if arguments.valid_values is None else {"enum": arguments.valid_values}
            checks |= {} if arguments.pattern is None else {"pattern": whole_pattern(arguments.pattern)}
        share = _share(rule)
        if not checks or share is None:
            self._left.append(f"{place}: {_described(rule)}")
            return
        self._left += [
            f"{place}: a second {key}" for key, value in checks.items() if not gathered.add(key, value, share)
        ]
        texts = [str(value) for value in arguments.missing_values if value not in (None, "")]
        if rule.measured == "missingValues" and texts:
            self._missing += [text for text in texts if text not in self._missing]
            self._left.append(f"{place}: {', '.join(texts)} count as missing in every field, not only in {name}")

    def _tests(self, given: dict[str, Any], name: str, place: str) -> None:
        """Adds tests of ioos_qc, which may stand in their module or alone."""
        for key, value in given.items():
            tests = value if key in MODULES else {key: value} if key in TESTS or key in NOT_SUPPORTED else None
            if isinstance(tests, dict):
                self._streams.setdefault(name, {}).update(tests)
            else:
                self._left.append(f"{place}.implementation.{key}")

    def _rule_of_table(self, rule: Quality, place: str, names: dict[str, str]) -> None:
        if rule.engine == OWN and rule.type == "custom":
            given = self._implementation(rule, place)
            self._mistakes += [
                f"{place}.implementation.{key}: expected a mapping"
                for key in ("schema", "streams")
                if not isinstance(given.get(key, {}), dict)
            ]
            self._own |= given
        elif rule.measured == "rowCount" and rule.unit == "rows" and (limits := _row_limits(rule)) is not None:
            for key, value in limits:
                self._rows.add(key, value)
        elif rule.measured == "duplicateValues" and _share(rule) == 0 and rule.arguments.properties:
            key_fields = [names.get(one, one) for one in rule.arguments.properties]
            if self._key not in ([], key_fields):
                self._left.append(f"{place}: a second key, {', '.join(key_fields)}")
            else:
                self._key = key_fields
        else:
            self._left.append(f"{place}: {_described(rule)}")

    def _implementation(self, rule: Quality, place: str) -> dict[str, Any]:
        given = rule.implementation or {}
        if isinstance(given, dict):
            return dict(given)
        try:
            return content_of(given)
        except InvalidRules as error:
            self._mistakes += [f"{place}.implementation: {mistake}" for mistake in error.mistakes]
            return {}

    def _own_words(self, one: Property, place: str) -> dict[str, Any]:
        """Returns what a custom property of ours says of a field."""
        found: dict[str, Any] = {}
        for custom in one.custom_properties or []:
            if custom.property == OWN and isinstance(custom.value, dict):
                found |= custom.value
            elif custom.property == OWN:
                self._mistakes.append(f"{place}.customProperties: the value of {OWN} must be a mapping")
        return found

    def _ignored(self, written: dict[str, Any], known: set[str], place: str) -> None:
        self._left += [f"{place}.{key}: {value}"[:100] for key, value in written.items() if key not in known]


def _share(rule: Quality) -> float | None:
    """Returns the share of rows that a rule allows to fail; None if a share cannot express it."""
    operators, percent = rule.operators, rule.unit == "percent"
    if operators in ({"mustBe": 0}, {"mustBeLessOrEqualTo": 0}) or (operators == {"mustBeLessThan": 1} and not percent):
        return 0.0
    if operators.keys() == {"mustBeLessOrEqualTo"} and percent:
        return float(operators["mustBeLessOrEqualTo"]) / PERCENT
    return None


def _by_module(tests: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, parameters in tests.items():
        found.setdefault(TESTS[name].module if name in TESTS else MODULES[0], {})[name] = parameters
    return found


def _row_limits(rule: Quality) -> list[tuple[str, int]] | None:
    """Returns the limits on the number of rows; None if rules cannot express them."""
    found: list[tuple[str, int]] = []
    for key, value in rule.operators.items():
        if key in ("mustBe", "mustBeBetween"):
            low, high = (value, value) if key == "mustBe" else value
            found += [("minimum", math.ceil(low)), ("maximum", math.floor(high))]
        elif key.startswith("mustBeGreater"):
            found.append(("minimum", math.floor(value) + 1 if key.endswith("Than") else math.ceil(value)))
        elif key.startswith("mustBeLess"):
            found.append(("maximum", math.ceil(value) - 1 if key.endswith("Than") else math.floor(value)))
        else:
            return None
    return found or None


def _described(rule: Quality) -> str:
    """Returns what a rule is, in a few words."""
    if rule.measured:
        operators = ", ".join(f"{key} {_shown(value)}" for key, value in rule.operators.items())
        return f"{rule.measured} {operators} {rule.unit}"
    kind = f"a rule of the type {rule.type}"
    return f"{kind} for {rule.engine}" if rule.engine else kind


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
