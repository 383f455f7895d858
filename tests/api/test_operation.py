"""Operation ids: the static table, the names that select operations, and the rules that apply to them."""

from __future__ import annotations

import openai
import pytest

import openaimock
from openaimock.api import FILES, operations_of
from openaimock.app.explain import explain
from openaimock.errors import ConfigError
from openaimock.types import operations

from ..support.wire import post, user

REAL = [operation for segment in FILES for operation in operations_of(segment)]


def test_the_static_table_lists_exactly_the_operations_that_are_served():
    assert sorted(operation.id for operation in REAL) == sorted(operations.OPERATIONS)


def test_the_operations_without_an_own_answer_answer_prompts():
    assert {operation.id for operation in REAL if not operation.own} <= set(operations.ANSWERING.values())


#: No method of the SDK: a WebSocket handshake.
CONNECTIONS = {"responses.connect"}


@pytest.mark.parametrize("id", sorted(set(operations.OPERATIONS) - CONNECTIONS))
def test_an_id_is_the_name_of_a_method_of_the_sdk(id):
    holder = openai.OpenAI(api_key="x", base_url="http://127.0.0.1:9/v1")
    for name in id.split("."):
        holder = getattr(holder, name)
    assert callable(holder)


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("chat", ["chat.completions.create"]),
        ("embeddings", ["embeddings.create"]),
        ("models", ["models.delete", "models.list", "models.retrieve"]),
        ("models.list", ["models.list"]),
        ("models.*", ["models.delete", "models.list", "models.retrieve"]),
        ("chat.*.list", ["chat.completions.list", "chat.completions.messages.list"]),
        ("*.retrieve", [id for id in sorted(operations.OPERATIONS) if id.endswith(".retrieve")]),
        ("chats", []),
        ("videos.*", []),
    ],
)
def test_a_name_selects_operations(name, ids):
    assert sorted(operations.select(name)) == ids


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("chats", "did you mean 'chat'?"),
        ("chat.completion.create", "did you mean 'chat.completions.create'?"),
        ("modelz.*", "'modelz.*' is not an endpoint"),
        ("fine_tuning", "'fine_tuning' is not available yet"),
    ],
)
def test_a_name_that_is_not_served_is_a_load_error(name, message):
    with pytest.raises(ConfigError) as raised:
        openaimock.create_app({"responses": [{"when": {"endpoint": name}, "reply": "x"}]})
    assert message in str(raised.value)


def test_a_rule_without_an_endpoint_leaves_own_answers_alone(serve, client):
    sdk = client(serve([{"when": {}, "reply": {"error": 503}}]))
    assert sdk.models.list().data
    assert sdk.conversations.create().id
    assert list(sdk.chat.completions.list()) == []
    with pytest.raises(openai.InternalServerError):
        sdk.chat.completions.create(**user("Hello"))
    with pytest.raises(openai.InternalServerError):
        sdk.embeddings.create(model="text-embedding-3-small", input="x")


def test_the_name_of_an_answering_endpoint_leaves_its_stored_objects_alone(serve, client):
    sdk = client(serve([{"when": {"endpoint": "chat"}, "reply": {"error": 503}}]))
    assert list(sdk.chat.completions.list()) == []
    with pytest.raises(openai.InternalServerError):
        sdk.chat.completions.create(**user("Hello"))


@pytest.mark.parametrize("name", ["chat.completions.list", "chat.*", ["models", "chat.completions.l*"]])
def test_an_id_or_a_pattern_reaches_stored_objects(serve, client, name):
    sdk = client(serve([{"when": {"endpoint": name}, "reply": {"error": 503}}]))
    with pytest.raises(openai.InternalServerError):
        sdk.chat.completions.list()


def test_a_resource_without_an_answering_operation_means_all_its_operations(serve, client):
    sdk = client(serve([{"when": {"endpoint": "conversations"}, "reply": {"error": 503}}]))
    with pytest.raises(openai.InternalServerError):
        sdk.conversations.create()
    with pytest.raises(openai.InternalServerError):
        sdk.conversations.items.list("conv_1")


def test_the_journal_has_the_endpoint_and_the_operation(serve, client):
    mock = serve([{"when": {"user": "Hello"}, "reply": "Hi!"}])
    post(mock, user("Hello"))
    client(mock).models.list()
    rows = [(exchange.endpoint, exchange.operation) for exchange in mock.exchanges]
    assert rows == [("chat", "chat.completions.create"), ("models", "models.list")]


def test_explain_says_why_a_rule_does_not_apply(serve):
    mock = serve([{"when": {"user": "Hello"}, "reply": "Hi!"}])
    report = explain(mock.app.api, {"path": "/v1/models", "method": "GET"}, mock.app.api.namespaces["default"])
    assert report["verdicts"][0]["reason"] == "endpoint: a rule without 'endpoint' does not apply to models.list"


def test_azure_deployments_are_the_model(serve):
    mock = serve([{"when": {"model": "my-gpt"}, "reply": "Hi!"}])
    url = "/../openai/deployments/my-gpt"
    for path, body in (
        ("/chat/completions", {"messages": [{"role": "user", "content": "x"}]}),
        ("/completions", {"model": "other", "prompt": "x"}),
        ("/embeddings", {"model": None, "input": "x"}),
        ("/responses", {"input": "x"}),
    ):
        answer = post(mock, body, url + path)
        assert (answer.status_code, answer.json()["model"]) == (200, "my-gpt"), path
