"""Takes rules as others publish them: a Table Schema, a Frictionless resource, an ioos_qc configuration.

Each becomes the document that a rules file of ours is (stream_qc.rules.model). What a form asks for and is not supported is left
in its place, where the loader refuses it by name.
"""

from __future__ import annotations

from typing import Any

from stream_qc.checks import MODULES, TESTS

OURS = {
    "schema",
    "dialect",
    "time",
    "z",
    "lat",
    "lon",
    "series",
    "streams",
    "rows",
    "limits",
    "arrival",
    "redact",
    "flags",
    "split",
}
# Words of a Frictionless resource that say where the file is or who made it. https://specs.frictionlessdata.io/data-resource/
OF_RESOURCE = {
    "name", "path", "type", "title", "description", "scheme", "format", "mediatype", "hash", "bytes", "sources", "licenses",
    "profile", "compression", "innerpath", "$schema",
}  # fmt: skip
OF_PACKAGE = {
    "name", "id", "title", "description", "homepage", "version", "created", "keywords", "image", "contributors", "sources",
    "licenses", "profile", "$schema",
}  # fmt: skip
# Words of CSV Dialect that change nothing here: line ends of both kinds are read, and names are compared as they are.
OF_DIALECT = {"$schema", "type", "csvddfVersion", "lineTerminator", "caseSensitiveHeader"}
AXES = {"time": "datetime", "z": "number", "lat": "number", "lon": "number"}


def as_document(content: dict[str, Any], mistakes: list[str]) -> dict[str, Any]:
    """Returns the rules as a document of ours. Adds a mistake, with its place, for what cannot be one."""
    if "resources" in content:
        content = _of_package(content, mistakes)
    if "fields" in content and "schema" not in content:
        content = {"schema": content}
    elif "schema" in content and not content.keys() <= OURS:
        content = _of_resource(content)
    elif "contexts" in content or _is_ioos(content):
        content = _of_ioos(content, mistakes)
    if isinstance(content.get("schema"), dict):
        content = {**content, "schema": _table(content["schema"], mistakes)}
    return content


def _table(schema: dict[str, Any], mistakes: list[str]) -> dict[str, Any]:
    """Returns a Table Schema without its version, and without fieldsMatch if that says what is done here."""
    match = schema.get("fieldsMatch", "superset")
    if match not in ("superset", ["superset"]):
        mistakes.append(
            f"schema.fieldsMatch: {match} is not supported; a file may have more fields, in any order (superset)"
        )
    return {key: value for key, value in schema.items() if key not in ("$schema", "fieldsMatch")}


def _of_package(content: dict[str, Any], mistakes: list[str]) -> dict[str, Any]:
    """Returns the resource of a data package, which must have just one, with the rules that stand beside it."""
    resources = content["resources"]
    beside = {key: value for key, value in content.items() if key not in {"resources", *OF_PACKAGE}}
    if isinstance(resources, list) and len(resources) == 1 and isinstance(resources[0], dict):
        return {**resources[0], **beside}
    mistakes.append("resources: a rules file must describe exactly one resource")
    return {}


def _of_resource(content: dict[str, Any]) -> dict[str, Any]:
    """Returns a resource without the words that describe it, with its encoding in its dialect."""
    document = {key: value for key, value in content.items() if key not in OF_RESOURCE}
    dialect = document.get("dialect", {})
    if isinstance(dialect, dict):
        controls = [dialect[kind] for kind in ("csv", "excel") if isinstance(dialect.get(kind), dict)]
        words = {key: value for key, value in dialect.items() if key not in {"csv", "excel", *OF_DIALECT}}
        for control in controls:
            words |= {key: value for key, value in control.items() if key not in OF_DIALECT}
        if isinstance(document.get("encoding"), str):
            words.setdefault("encoding", document.pop("encoding"))
        document["dialect"] = words
    return document


def _is_ioos(content: dict[str, Any]) -> bool:
    """Returns whether the content is an ioos_qc configuration without `streams`, or without a schema for them."""
    if set(content) == {"streams"}:
        return True
    return bool(content) and all(isinstance(one, dict) and one.keys() & {*MODULES} for one in content.values())


def _of_ioos(content: dict[str, Any], mistakes: list[str]) -> dict[str, Any]:
    """Returns the document of an ioos_qc configuration.

    If it has no schema, its streams are numbers, and its axes have their names. Rules that stand beside the contexts count too.
    """
    streams: dict[str, Any] = {}
    for place, context in _contexts(content, mistakes):
        for field, modules in context.items():
            known = streams.setdefault(field, {})
            if not isinstance(modules, dict):
                mistakes.append(f"{place}streams.{field}: expected a mapping of modules such as qartod")
                continue
            for module, tests in modules.items():
                _add(known.setdefault(module, {}), tests, f"{place}streams.{field}.{module}", mistakes)
    beside = (
        {key: value for key, value in content.items() if key not in ("contexts", "streams")}
        if "contexts" in content
        else {}
    )
    return {**_without_schema(streams), **beside, "streams": streams}


def _without_schema(streams: dict[str, Any]) -> dict[str, Any]:
    """Returns a schema of the streams, and the axes that their tests use."""
    asked = [
        (name, parameters)
        for modules in streams.values()
        for tests in modules.values()
        if isinstance(tests, dict)
        for name, parameters in tests.items()
        if name in TESTS
    ]
    axes = {axis for name, _ in asked for axis in (*TESTS[name].needs_axes, *TESTS[name].may_use_axes)} - {"z"}
    if any("zspan" in str(parameters) for _, parameters in asked):
        axes.add("z")
    names = dict.fromkeys(streams, "number") | {axis: kind for axis, kind in AXES.items() if axis in axes}
    fields = [{"name": name} if kind == "number" else {"name": name, "type": kind} for name, kind in names.items()]
    return {"schema": {"fields": fields}, **{axis: axis for axis in AXES if axis in axes}}


def _contexts(content: dict[str, Any], mistakes: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """Returns the streams of each context with its place."""
    if "contexts" not in content:
        streams = content["streams"] if set(content) == {"streams"} else content
        return [("", streams)] if isinstance(streams, dict) else []
    contexts, found = content["contexts"], list[tuple[str, dict[str, Any]]]()
    if not isinstance(contexts, list) or not contexts:
        mistakes.append("contexts: expected a list with at least one context")
        return found
    if isinstance(content.get("streams"), dict):
        found.append(("", content["streams"]))
    for number, context in enumerate(contexts):
        place = f"contexts[{number}]."
        if not isinstance(context, dict) or not isinstance(context.get("streams"), dict):
            mistakes.append(f"{place}streams: expected a mapping of fields")
            continue
        mistakes += [
            f"{place}{word}: unknown key; expected one of: streams, window, region, attrs"
            for word in context
            if word not in ("streams", "window", "region", "attrs")
        ]
        mistakes += [
            f"{place}{word}: not supported; a context must apply to the whole file"
            for word in ("window", "region")
            if any(value is not None for value in _values(context.get(word)))
        ]
        found.append((place, context["streams"]))
    return found


def _values(given: Any) -> list[Any]:
    return list(given.values()) if isinstance(given, dict) else [given]


def _add(known: dict[str, Any], tests: Any, place: str, mistakes: list[str]) -> None:
    """Adds the tests of a module. Two contexts may not ask for the same test of a field."""
    if not isinstance(tests, dict):
        mistakes.append(f"{place}: expected a mapping of tests")
        return
    for name, parameters in tests.items():
        if name in known:
            mistakes.append(f"{place}.{name}: already requested in another context")
        known[name] = parameters
