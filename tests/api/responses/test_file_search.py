"""The tool ``file_search`` of the Responses API, over the vector stores of the mock."""

from __future__ import annotations

import openai
import pytest

from ...support.answers import ask, respond, stream

PARIS = b"Paris is the capital of France. It is known for the Eiffel Tower."
QUESTION = "What is the capital of France?"
CALL = {"type": "file_search_call", "queries": ["Eiffel Tower"]}
RULES = [
    {"when": {"user": QUESTION}, "reply": "It is Paris."},
    {"when": {"user": "searched"}, "reply": {"blocks": [{"item": CALL}, {"text": "See the tower."}]}},
    {"when": {"user": "given"}, "reply": {"blocks": [{"item": {**CALL, "results": []}}, {"text": "Nothing."}]}},
    {"when": {"user": "call"}, "reply": {"tool_calls": [{"name": "f", "arguments": {}}]}},
]
RESULTS = ["file_search_call.results"]


@pytest.fixture
def mock(serve):
    return serve(RULES)


@pytest.fixture
def store(sdk):
    file = sdk.files.create(file=("paris.txt", PARIS), purpose="assistants").id
    return sdk.vector_stores.create(file_ids=[file]).id


def tool(*stores, **options):
    return {"type": "file_search", "vector_store_ids": list(stores), **options}


def calls(response):
    return [item for item in response["output"] if item["type"] == "file_search_call"]


def test_a_text_follows_a_search(mock, store):
    response = respond(mock, ask(QUESTION, tools=[tool(store)], include=RESULTS))
    call, message = response["output"]
    assert (call["type"], call["status"], call["queries"]) == ("file_search_call", "completed", [QUESTION])
    (result,) = call["results"]
    assert (result["text"], result["filename"], result["vector_store_id"]) == (PARIS.decode(), "paris.txt", store)
    assert 0 < result["score"] <= 1
    assert message["content"][0]["annotations"] == [
        {"type": "file_citation", "file_id": result["file_id"], "filename": "paris.txt", "index": len("It is Paris.") - 1}
    ]


def test_results_are_null_unless_they_are_included(mock, store):
    (call,) = calls(respond(mock, ask(QUESTION, tools=[tool(store)])))
    assert call["results"] is None


def test_the_stream_has_the_same_output(mock, store):
    body = ask(QUESTION, tools=[tool(store)], include=RESULTS)
    received = stream(mock, body)
    kinds = [event["type"] for event in received]
    assert "response.file_search_call.searching" in kinds
    assert "response.output_text.annotation.added" in kinds
    (call,), (whole,) = calls(received[-1]["response"]), calls(respond(mock, body))
    assert call["results"] == whole["results"]


def test_a_call_of_a_rule_gets_its_results(mock, store):
    (call,) = calls(respond(mock, ask("searched", tools=[tool(store)], include=RESULTS)))
    assert call["queries"] == ["Eiffel Tower"]
    assert [result["filename"] for result in call["results"]] == ["paris.txt"]
    (call,) = calls(respond(mock, ask("searched", tools=[tool(store)])))
    assert call["results"] is None


def test_results_of_a_rule_stay(mock, store):
    (call,) = calls(respond(mock, ask("given", tools=[tool(store)], include=RESULTS)))
    assert call["results"] == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"tool_choice": "none"},
        {"tool_choice": {"type": "web_search_preview"}},
        {"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "web_search"}]}},
    ],
)
def test_no_search_where_the_tool_choice_forbids_it(mock, store, parameters):
    assert calls(respond(mock, ask(QUESTION, tools=[tool(store), {"type": "web_search_preview"}], **parameters))) == []


def test_the_tool_may_be_chosen(mock, store):
    for choice in ({"type": "file_search"}, {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "file_search"}]}):
        assert len(calls(respond(mock, ask(QUESTION, tools=[tool(store)], tool_choice=choice)))) == 1


def test_a_function_call_needs_no_search(mock, store):
    function = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}, "strict": False}
    assert calls(respond(mock, ask("call", tools=[tool(store), function]))) == []


def test_a_store_that_does_not_exist_is_passed_over(mock):
    assert calls(respond(mock, ask(QUESTION, tools=[tool("vs_none")], include=RESULTS))) == []


def test_the_options_of_the_tool(mock, sdk, store):
    file = sdk.vector_stores.files.list(store).data[0]
    sdk.vector_stores.files.update(file.id, vector_store_id=store, attributes={"topic": "cities"})
    for options, number in [
        ({"filters": {"type": "eq", "key": "topic", "value": "fruit"}}, 0),
        ({"filters": {"type": "eq", "key": "topic", "value": "cities"}}, 1),
        ({"ranking_options": {"score_threshold": 1.0}}, 0),
        ({"ranking_options": {"hybrid_search": {"embedding_weight": 0, "text_weight": 1}, "score_threshold": 0.5}}, 1),
        ({"ranking_options": {"hybrid_search": {"embedding_weight": 0, "text_weight": 0}}}, 1),
    ]:
        (call,) = calls(respond(mock, ask(QUESTION, tools=[tool(store, **options)], include=RESULTS)))
        assert len(call["results"]) == number, options


def test_without_results_nothing_is_cited(mock, store):
    response = respond(mock, ask(QUESTION, tools=[tool(store, ranking_options={"score_threshold": 1.0})]))
    assert response["output"][-1]["content"][0]["annotations"] == []


def test_an_expired_store_is_an_error(serve, client):
    mock = serve({"clock": "2026-01-01T00:00:00Z", "responses": RULES})
    sdk = client(mock)
    store = sdk.vector_stores.create(expires_after={"anchor": "last_active_at", "days": 1})
    mock.app.api.sender.clock.advance(90_000)
    with pytest.raises(openai.BadRequestError, match="has expired"):
        sdk.responses.create(model="gpt-4o", input=QUESTION, tools=[tool(store.id)])


def test_a_wrong_filter_is_refused(sdk, store):
    with pytest.raises(openai.BadRequestError) as error:
        sdk.responses.create(model="gpt-4o", input="x", tools=[tool(store, filters={"type": "like", "key": "a", "value": 1})])
    assert error.value.body["param"] == "tools[0].filters.type"


def test_a_background_response_searches_too(mock, store, sdk):
    response = sdk.responses.create(model="gpt-4o", input=QUESTION, tools=[tool(store)], background=True)
    while response.status != "completed":
        response = sdk.responses.retrieve(response.id)
    assert response.output[0].type == "file_search_call"
