"""Files that are damaged in any way: what can be converted loads, the rest is reported, and nothing crashes."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from openaimock.config.load import load
from openaimock.convert import documents
from openaimock.convert.files import convert

SAMPLES = [path for path in sorted((Path(__file__).parent / "samples").iterdir()) if path.name != "README"]
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 1000), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)


def plain(value: Any) -> Any:
    """The document as JSON: bodies that are JSON in a text are opened, so that damage reaches into them."""
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.decode("latin-1") if isinstance(value, bytes) else value


def opened(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: opened(item) for name, item in value.items()}
    if isinstance(value, list):
        return [opened(item) for item in value]
    if isinstance(value, str) and value.startswith("{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(item, (*path, key))


DOCUMENTS = [opened(plain(documents.load(path))) for path in SAMPLES]
PLACES = [list(places(listed)) for listed in DOCUMENTS]


@st.composite
def damaged(draw: st.DrawFn) -> list[Any]:
    number = draw(st.integers(0, len(DOCUMENTS) - 1))
    listed = copy.deepcopy(DOCUMENTS[number])
    for path in draw(st.lists(st.sampled_from(PLACES[number]), min_size=1, max_size=2)):
        holder = listed
        try:
            for key in path[:-1]:
                holder = holder[key]
            if draw(st.booleans()):
                holder[path[-1]] = draw(JSON)
            else:
                del holder[path[-1]]
        except (KeyError, IndexError, TypeError):
            pass
    return listed


@given(damaged())
@settings(max_examples=300)
def test_damaged_files_never_crash(listed: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.json"
        path.write_text("\n".join(json.dumps(document) for document in listed))
        result = convert([path])
    if result.rules:
        load(result.text(), environ={})
