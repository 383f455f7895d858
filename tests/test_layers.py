"""The architecture as a test: packages in order, no cycles, private names stay in their package."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import openaimock

PACKAGE = Path(openaimock.__file__).parent
#: Packages and root modules, lowest first. Each imports only from itself and from those before it.
ORDER = [
    "errors",
    "seed",
    "types",
    "media",
    "text",
    "http",
    "schema",
    "params",
    "replies",
    "delivery",
    "lint",
    "verdict",
    "rules",
    "config",
    "state",
    "api",
    "recording",
    "storm",
    "app",
    "admin",
    "wsgi",
    "server",
    "testing",
    "unittest_mixin",
    "pytest_plugin",
    "verify",
    "convert",
    "cli",
    "__main__",
    "__init__",
]
#: Packages that do not exist yet.
PLANNED: set[str] = set()
#: Modules outside the package that it may import: the standard library, the dependencies, and those of the named extras.
DEPENDENCIES = {"werkzeug", "yaml", "waitress", "tiktoken", "redis", "orjson", "pytest", "_pytest"}


def modules() -> dict[str, Path]:
    """Every module of the package by its name: ``rules.index.fuzzy``; a package by its own name."""
    paths = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".")
        paths[name if name == "__init__" else name.removesuffix(".__init__")] = path
    return paths


MODULES = modules()


def resolved(module: str, node: ast.ImportFrom) -> list[str]:
    """The modules of the package that a relative import names."""
    parts = [] if module == "__init__" else module.split(".")
    if MODULES[module].name != "__init__.py":
        parts = parts[:-1]
    parts = parts[: len(parts) - node.level + 1] + (node.module.split(".") if node.module else [])
    base = ".".join(parts)
    names = []
    for alias in node.names:
        inner = f"{base}.{alias.name}".lstrip(".")
        names.append(inner if inner in MODULES else base or "__init__")
    return names


def imports(module: str, *, inside_functions: bool = True) -> dict[str, list[str]]:
    """The modules of the package that a module imports, each with the names that it takes from it."""
    tree = ast.parse(MODULES[module].read_text("utf-8"))
    nodes = ast.walk(tree) if inside_functions else iter(tree.body)
    taken: dict[str, list[str]] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            assert not any(alias.name.split(".")[0] == "openaimock" for alias in node.names), f"{module}: import it relatively"
        if isinstance(node, ast.ImportFrom):
            if node.level:
                for target, alias in zip(resolved(module, node), node.names, strict=True):
                    taken.setdefault(target, []).append(alias.name)
            else:
                assert (node.module or "").split(".")[0] != "openaimock", f"{module}: import it relatively"
    return taken


def package(module: str) -> str:
    return module.split(".")[0]


def test_the_order_names_what_exists():
    assert {package(module) for module in MODULES} == set(ORDER) - PLANNED


@pytest.mark.parametrize("module", [module for module in MODULES if module not in ("__init__", "__main__")])
def test_a_package_imports_only_from_packages_before_it(module):
    for target in imports(module):
        if target != "__init__":  # the package itself: its name and version
            own = package(target) == package(module)
            assert own or ORDER.index(package(target)) < ORDER.index(package(module)), f"{module} imports {target}"


@pytest.mark.parametrize("module", MODULES)
def test_a_private_name_is_not_imported_from_another_package(module):
    for target, names in imports(module).items():
        if package(target) != package(module):
            private = [name for name in (*target.split("."), *names) if name.startswith("_") and not name.startswith("__")]
            assert not private, f"{module} imports {private} of {target}"


def test_no_cycles():
    graph = {module: [target for target in imports(module, inside_functions=False) if target != module] for module in MODULES}
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path[path.index(module) :], module))
        if module not in done:
            for target in graph[module]:
                visit(target, (*path, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def test_only_the_dependencies_are_imported():
    for module, path in MODULES.items():
        tree = ast.parse(path.read_text("utf-8"))
        unread = {id(inner) for node in ast.walk(tree) if _is_for_checkers(node) for inner in ast.walk(node)}
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for name in names:
                root = name.split(".")[0]
                # Type checkers know this one without installing it.
                allowed = {*DEPENDENCIES, *(["typing_extensions"] if id(node) in unread else [])}
                assert root in allowed or root in sys.stdlib_module_names, f"{module} imports {name}"


def _is_for_checkers(node: ast.AST) -> bool:
    """Whether it is a block that only type checkers read."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_opens_with_its_purpose(module):
    assert ast.get_docstring(ast.parse(MODULES[module].read_text("utf-8"))), f"{module} has no docstring"
