"""The modules under functions/ do not import each other in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

FUNCTIONS = Path(__file__).resolve().parent.parent / "functions"


def module_paths(folder: Path) -> dict[str, Path]:
    """Returns the file of every module under the folder, by the module's name."""
    names = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def imports_of(module: str, source: str, modules: Mapping[str, object], *, is_package: bool) -> Iterator[str]:
    """Yields the modules that the source imports anywhere: in functions and under TYPE_CHECKING too.

    `from package import name` is an import of `package.name` if that is a module, otherwise of `package`.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")[: None if is_package and node.level == 1 else -node.level + is_package]
                base = ".".join([*parents, base]).rstrip(".")
            for alias in node.names:
                name = f"{base}.{alias.name}"
                if name in modules or base in modules:
                    yield name if name in modules else base


def import_graph(folder: Path) -> dict[str, set[str]]:
    """Returns the modules that each module under the folder imports, as far as they are under it too."""
    modules = module_paths(folder)
    return {
        name: {*imports_of(name, path.read_text(), modules, is_package=path.name == "__init__.py")} - {name}
        for name, path in modules.items()
    }


def circle_in(graph: Mapping[str, set[str]]) -> str:
    """Returns a circle as `a imports b imports a`, or "" if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return " imports ".join(reversed(error.args[1]))
    return ""


GRAPH = import_graph(FUNCTIONS)


@pytest.mark.parametrize("package", sorted({name.split(".")[0] for name in GRAPH}))
def test_package_has_no_import_circle(package: str) -> None:
    inside = {name: imports for name, imports in GRAPH.items() if name.split(".")[0] == package}
    assert circle_in(inside) == ""


def test_packages_do_not_import_each_other_in_a_circle() -> None:
    packages: dict[str, set[str]] = {}
    for name, imports in GRAPH.items():
        package = name.split(".")[0]
        packages.setdefault(package, set()).update({other.split(".")[0] for other in imports} - {package})
    assert circle_in(packages) == ""


def test_engine_does_not_use_type_checking() -> None:
    engine = module_paths(FUNCTIONS / "stream_qc")
    assert [name for name, path in engine.items() if "TYPE_CHECKING" in path.read_text()] == []


def test_schema_imports_nothing_of_the_engine() -> None:
    assert GRAPH["stream_qc.schema"] == {"stream_qc.dialect"}
    assert GRAPH["stream_qc.dialect"] == set()


@pytest.mark.parametrize(
    "upper",
    [
        "from package import lower",
        "from .lower import name",
        "from . import lower",
        "def function():\n    import package.lower",
        "if TYPE_CHECKING:\n    from package.lower import name",
    ],
)
def test_circle_is_found_and_named(tmp_path: Path, upper: str) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "upper.py").write_text(upper)
    (package / "lower.py").write_text("")
    assert circle_in(import_graph(tmp_path)) == ""
    (package / "lower.py").write_text("from package.upper import name")
    assert circle_in(import_graph(tmp_path)) in (
        "package.upper imports package.lower imports package.upper",
        "package.lower imports package.upper imports package.lower",
    )
