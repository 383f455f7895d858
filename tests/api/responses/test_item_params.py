"""The short way for frequent items of an input: it passes nothing that the checks refuse."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openaimock.api.responses import item_params
from openaimock.params.errors import ParamError

VALUES = (
    st.none() | st.just("") | st.sampled_from(["user", "assistant", "input_text", "output_text", "x" * 65]) | st.integers(0, 1)
)
PARTS = st.dictionaries(st.sampled_from(["type", "text", "annotations"]), VALUES, max_size=3)
CONTENT = VALUES | st.lists(PARTS | VALUES, max_size=2)
ITEMS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["message", "function_call", "function_call_output", "reasoning", None, 1, []]),
        "role": st.sampled_from(["user", "assistant", "system", "tool", None, []]),
        "content": CONTENT,
        "call_id": VALUES | st.just("call_1"),
        "name": VALUES,
        "arguments": VALUES,
        "output": CONTENT,
        "id": VALUES,
    },
)


def problem(item: Any) -> tuple[Any, ...] | None:
    try:
        item_params.check_item(item)
    except ParamError as error:
        return str(error), error.names
    return None


@settings(deadline=None, max_examples=500)
@given(ITEMS)
def test_the_short_way_for_frequent_items_changes_nothing(item: dict[str, Any]) -> None:
    answer = problem(item)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(item_params, "_is_text", lambda item: False)
        assert problem(item) == answer


@pytest.mark.parametrize(
    "item",
    [
        {"role": "user", "content": "hi"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hi"}]},
        {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "42"},
    ],
)
def test_frequent_items_go_the_short_way(item: dict[str, Any]) -> None:
    assert item_params._is_text(item)
    assert problem(item) is None
