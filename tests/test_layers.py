"""The house's order: a file imports only from lower layers, or from files before it in its own."""

from __future__ import annotations

import ast
import sys
from fnmatch import fnmatchcase as fnmatch
from pathlib import Path

import pytest

import openaimock

PACKAGE = Path(openaimock.__file__).parent
#: The layers, lowest first, each in its order. ``folder/*`` stands for all files of a folder not named on their own;
#: among those any may import any.
LAYERS = """
errors nouns chance sse tokens* values schemas strict patterns scraps samples vectors moderation wording
alike matchers templates replies conditions rules scanning grams literals fuzzy cost clauses index kin rulebook config config/*
typed explain stores stores/* redaction journal limits spaces coverage summary metrics
pace faults render hooks offers lint lint/* auto upstream record
endpoints/_* endpoints/* endpoints routes access sending admin/* admin app
assertions server/* server workers mock testing unittest_mixin pytest_plugin
commands watch cli __main__ __init__
"""


def rank(name: str) -> int:
    """A file's place: the longest pattern that fits it counts."""
    patterns = LAYERS.split()
    fitting = [pattern for pattern in patterns if fnmatch(name, pattern)]
    assert fitting, f"openaimock/{name}.py stands in no layer: give it a place in tests/test_layers.py"
    return patterns.index(max(fitting, key=lambda pattern: len(pattern.replace("*", ""))))


def files() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).with_suffix("").as_posix()
        found[name if name == "__init__" else name.removesuffix("/__init__")] = path
    return found


FILES = files()


def imported(name: str) -> set[str]:
    """The files of the package that a file imports, wherever in it the import stands."""
    path = FILES[name]
    folder = path.parent.relative_to(PACKAGE)
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert not any(alias.name.split(".")[0] == "openaimock" for alias in node.names), f"{name}: import it relatively"
        if not isinstance(node, ast.ImportFrom):
            continue
        if not node.level:
            assert (node.module or "").split(".")[0] != "openaimock", f"{name}: import it relatively"
            continue
        base = folder if node.level == 1 else folder.parent
        target = (base / (node.module or "").replace(".", "/")).as_posix().removeprefix("./")
        target = "" if target == "." else target
        for alias in node.names:
            inner = f"{target}/{alias.name}".lstrip("/")
            found.add(inner if inner in FILES else target or "__init__")
    return found


@pytest.mark.parametrize("name", [name for name in FILES if name not in ("__init__", "__main__")])
def test_imports_come_from_below(name):
    for other in imported(name):
        if other == "__init__":
            continue  # the package itself: its name and version
        assert other in FILES, f"{name} imports {other}"
        same_folder = other.split("/")[0] == name.split("/")[0]
        assert rank(other) < rank(name) or same_folder, f"openaimock/{name}.py imports from {other}, which stands above it"


def test_only_three_dependencies():
    allowed = {"werkzeug", "yaml", "waitress", "tiktoken", "redis", "pytest", "_pytest"}
    for name, path in FILES.items():
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                modules = [node.module or ""]
            for module in modules:
                root = module.split(".")[0]
                assert root in allowed or root in sys.stdlib_module_names, f"openaimock/{name}.py imports {module}"


@pytest.mark.parametrize("name", FILES)
def test_files_open_with_one_sentence(name):
    assert ast.get_docstring(ast.parse(FILES[name].read_text())), f"{name} says nothing of itself"
