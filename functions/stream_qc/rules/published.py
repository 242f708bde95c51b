"""Takes rules as others publish them: a Table Schema, a Frictionless resource, an ioos_qc configuration.

Each becomes the document that a rules file of ours is (stream_qc.rules.model). What a form asks for and is not supported is left
in its place, where the loader refuses it by name.
"""

from __future__ import annotations

from typing import Any

from stream_qc.checks import TESTS

OURS = {"schema", "dialect", "time", "z", "lat", "lon", "series", "streams", "rows", "limits"}
# Words of a Frictionless resource that say where the file is or who made it. https://specs.frictionlessdata.io/data-resource/
OF_RESOURCE = {
    "name", "path", "type", "title", "description", "scheme", "format", "mediatype", "hash", "bytes", "sources", "licenses",
    "profile", "compression", "innerpath", "$schema",
}  # fmt: skip
MODULES = {"qartod", "argo", "axds"}  # of ioos_qc
AXES = {"time": "datetime", "z": "number", "lat": "number", "lon": "number"}


def as_document(content: dict[str, Any], mistakes: list[str]) -> dict[str, Any]:
    """Returns the rules as a document of ours. Adds a mistake, with its place, for what cannot be one."""
    if "resources" in content:
        content = _resource_of(content["resources"], mistakes)
    if "fields" in content and "schema" not in content:
        content = {"schema": content}
    elif "schema" in content and not content.keys() <= OURS:
        content = _of_resource(content)
    elif "contexts" in content or _is_ioos(content):
        content = _of_ioos(content, mistakes)
    if isinstance(content.get("schema"), dict):
        content = {**content, "schema": {key: value for key, value in content["schema"].items() if key != "$schema"}}
    return content


def _resource_of(resources: Any, mistakes: list[str]) -> dict[str, Any]:
    """Returns the resource of a data package, which must have just one."""
    if isinstance(resources, list) and len(resources) == 1 and isinstance(resources[0], dict):
        return resources[0]
    mistakes.append("resources: the rules of a stream are those of one file; make a rules file of one resource")
    return {}


def _of_resource(content: dict[str, Any]) -> dict[str, Any]:
    """Returns a resource without the words that describe it, with its encoding in its dialect."""
    document = {key: value for key, value in content.items() if key not in OF_RESOURCE}
    dialect = document.get("dialect", {})
    if isinstance(dialect, dict):
        controls = [dialect[kind] for kind in ("csv", "excel") if isinstance(dialect.get(kind), dict)]
        words = {key: value for key, value in dialect.items() if key not in ("csv", "excel", "$schema", "type")}
        for control in controls:
            words |= control
        if isinstance(document.get("encoding"), str):
            words.setdefault("encoding", document.pop("encoding"))
        document["dialect"] = words
    return document


def _is_ioos(content: dict[str, Any]) -> bool:
    """Returns whether the content is an ioos_qc configuration without `streams`, or without a schema for them."""
    if set(content) == {"streams"}:
        return True
    return bool(content) and all(isinstance(one, dict) and one.keys() & MODULES for one in content.values())


def _of_ioos(content: dict[str, Any], mistakes: list[str]) -> dict[str, Any]:
    """Returns the document of an ioos_qc configuration. It has no schema: its streams are numbers, its axes have their names."""
    streams: dict[str, Any] = {}
    for place, context in _contexts(content, mistakes):
        for field, modules in context.items():
            known = streams.setdefault(field, {})
            if not isinstance(modules, dict):
                mistakes.append(f"{place}streams.{field}: expected a mapping of modules such as qartod")
                continue
            for module, tests in modules.items():
                _add(known.setdefault(module, {}), tests, f"{place}streams.{field}.{module}", mistakes)
    asked = [
        name for modules in streams.values() for tests in modules.values() if isinstance(tests, dict) for name in tests
    ]
    axes = {axis for name in asked if name in TESTS for axis in (*TESTS[name].needs_axes, *TESTS[name].may_use_axes)}
    names = dict.fromkeys(streams, "number") | {axis: kind for axis, kind in AXES.items() if axis in axes - {"z"}}
    fields = [{"name": name} if kind == "number" else {"name": name, "type": kind} for name, kind in names.items()]
    return {"schema": {"fields": fields}, **{axis: axis for axis in AXES if axis in names}, "streams": streams}


def _contexts(content: dict[str, Any], mistakes: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """Returns the streams of each context with its place."""
    contexts = content.get("contexts")
    if contexts is None:
        streams = content["streams"] if set(content) == {"streams"} else content
        return [("", streams)] if isinstance(streams, dict) else []
    found = []
    for number, context in enumerate(contexts if isinstance(contexts, list) else []):
        place = f"contexts[{number}]."
        if not isinstance(context, dict) or not isinstance(context.get("streams"), dict):
            mistakes.append(f"{place}streams: expected a mapping of fields")
            continue
        mistakes += [
            f"{place}{word}: a part of the file cannot be chosen; only contexts for the whole file are supported"
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
            mistakes.append(f"{place}.{name}: another context asks for this test of the field")
        known[name] = parameters
