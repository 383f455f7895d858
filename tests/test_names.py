"""Names and sentences: variables say what they hold, and texts use plain technical English."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "openaimock"

#: Names that say how a value was obtained, or nothing, instead of what it is.
MEANINGLESS = {
    *("said", "told", "found", "given", "made", "known", "each", "seen", "meant", "kept", "asked", "wanted", "shown", "taken"),
    *("left_over", "what", "much"),
}  # fmt: skip

#: Phrases that a reader may not know, or that describe software as a person: patterns in lower case.
PHRASES = (
    r"\balike\b", r"\bwhence\b", r"\bthereof\b", r"\bkin\b", r"\bby and by\b", r"\bwhoever\b", r"\bnobody\b", r"\bsomebody\b",
    r"\bbegins? anew\b", r"\bwritten anew\b", r"\b(is|are|was|were|be|being) told\b", r"\bfor ever\b", r"\bat a glance\b",
    r"\bhas its say\b", r"\bsuch as it is\b", r"\bas it came\b", r"\bwhat there is\b", r"\bin (its|one's|their) own words\b",
    r"\basks? for its own\b", r"\btells of\b", r"\bhears\b", r"\bdealt\b", r"\bhas had enough\b", r"\bcomplains?\b",
    r"\blaughs?\b", r"\bfor the better\b",
)  # fmt: skip
#: Lines that quote the API or an example, or use a word in its technical sense.
QUOTED = (
    "complaint", "Lookalike", "look alike",
)  # fmt: skip


def bound_names(tree: ast.Module) -> Iterator[str]:
    """The names of parameters and assigned variables, except those of comprehensions."""
    comprehensions = {
        id(inner) for node in ast.walk(tree) if isinstance(node, ast.comprehension) for inner in ast.walk(node.target)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and id(node) not in comprehensions:
            yield node.id


def test_bound_names_are_found_and_comprehensions_are_not() -> None:
    tree = ast.parse("def f(said, *told):\n    made = [each for each in told]\n    for seen in made: pass\nfrom a import given\n")
    assert sorted(set(bound_names(tree)) & MEANINGLESS) == ["made", "said", "seen", "told"]


def packages() -> list[str]:
    return sorted({path.relative_to(PACKAGE).parts[0] for path in PACKAGE.rglob("*.py")})


@pytest.mark.parametrize("package", packages())
def test_names_say_what_they_hold(package: str) -> None:
    top = PACKAGE / package
    names: Counter[str] = Counter()
    for path in sorted(top.rglob("*.py")) if top.is_dir() else [top]:
        for name in bound_names(ast.parse(path.read_text(encoding="utf-8"))):
            if name in MEANINGLESS:
                names[f"{path.relative_to(ROOT)}: {name}"] += 1
    assert not names, dict(names)


def _examples() -> list[Path]:
    return [path for path in (ROOT / "examples").rglob("*") if path.is_file() and "__pycache__" not in path.parts]


def texts() -> list[Path]:
    """The files whose code, comments, documentation and messages are checked."""
    inside = [path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".yaml", ".html")]
    return sorted([*inside, *(ROOT / "docs").glob("*.rst"), *_examples(), ROOT / "README.rst", ROOT / "CHANGES.rst"])


def quaint_lines(path: Path) -> list[str]:
    pattern = re.compile("|".join(PHRASES), re.IGNORECASE)
    lines = path.read_text(encoding="utf-8").splitlines()
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for number, line in enumerate(lines, 1)
        if pattern.search(line) and not any(word in line for word in QUOTED)
    ]


def test_sentences_are_plain() -> None:
    assert [line for path in texts() for line in quaint_lines(path)] == []
