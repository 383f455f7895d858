"""Every file in examples/ is served and answers as it says. The README's commands and examples run as written."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import openai
import pytest
from docutils.core import publish_doctree
from docutils.nodes import literal_block
from openai.types.chat import ChatCompletion

import openaimock
from openaimock.app.explain import explain

from ..support.commands import environment, run
from ..support.wire import post, strictly, user
from ..test_pytest_plugin import PLUGIN

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
KEY = {"authorization": "Bearer test-key"}


def example(serve, name):
    return serve(EXAMPLES / name)


def complete(mock, *messages, **more):
    body = {"model": "gpt-4o", "messages": list(messages), **more}
    answer = post(mock, body, headers=KEY)
    assert answer.status_code == 200, answer.text
    return strictly(ChatCompletion, answer.json()).choices[0].message


def user_message(text):
    return {"role": "user", "content": text}


def test_every_example_is_valid():
    for path in EXAMPLES.glob("*.yaml"):
        openaimock.create_app(path)


def test_quickstart(serve):
    mock = example(serve, "quickstart.yaml")
    assert complete(mock, user_message("Hello")).content == "Hi there! How can I help you today?"
    assert complete(mock, user_message("How is the weather?")).content == "It is sunny and 21 degrees."
    assert complete(mock, user_message("Where is my order A-17?")).content == "Order A-17 will be refunded."


def test_tools(serve):
    mock = example(serve, "tools.yaml")
    question = user_message("What is the weather in SF?")
    call = complete(mock, question)
    assert json.loads(call.tool_calls[0].function.arguments) == {"city": "San Francisco"}
    result = {"role": "tool", "tool_call_id": "call_abc", "content": "sunny"}
    assert complete(mock, question, call.to_dict(), result).content == "It's sunny in San Francisco."
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}]
    both = complete(mock, user_message("compare Paris and Rome"), tools=tools)
    assert [json.loads(call.function.arguments)["city"] for call in both.tool_calls] == ["Paris", "Rome"]
    results = [{"role": "tool", "tool_call_id": call.id, "content": "21"} for call in both.tool_calls]
    assert (
        complete(mock, user_message("compare Paris and Rome"), both.to_dict(), *results, tools=tools).content == "Rome is warmer."
    )
    assert complete(mock, user_message("run it")).tool_calls[0].custom.input == "ls -l"


def test_conversation(serve):
    mock = example(serve, "conversation.yaml")
    messages = [{"role": "system", "content": "You sell travel."}, user_message("I want to book a flight!")]
    for text in ("Monday", "yes please", None):
        messages.append(complete(mock, *messages).to_dict())
        if text:
            messages.append(user_message(text))
    assert [m["content"] for m in messages if m["role"] == "assistant"] == [
        "Which day would you like?",
        "Booked. Anything else?",
        "Tell me more.",
    ]
    jokes = [complete(mock, user_message("a joke please")).content for _ in range(3)]
    assert jokes[0] == jokes[2] != jokes[1]


ERRORS = {
    "too fast": (429, openai.RateLimitError, "rate_limit_exceeded"),
    "no money": (429, openai.RateLimitError, "insufficient_quota"),
    "too long": (400, openai.BadRequestError, "context_length_exceeded"),
    "something bad": (400, openai.BadRequestError, "content_filter"),
    "forbidden": (403, openai.PermissionDeniedError, "unsupported_country_region_territory"),
    "broken": (500, openai.InternalServerError, None),
    "busy": (503, openai.InternalServerError, "server_is_overloaded"),
    "custom": (422, openai.UnprocessableEntityError, "not_meant"),
}


@pytest.mark.parametrize("text", ERRORS)
def test_errors(serve, client, text):
    status, kind, code = ERRORS[text]
    with pytest.raises(kind) as raised:
        client(example(serve, "errors.yaml")).chat.completions.create(**user(text))
    assert (raised.value.status_code, raised.value.code) == (status, code)


def test_more_errors(serve, client):
    mock = example(serve, "errors.yaml")
    assert post(mock, user("too fast")).headers["retry-after"] == "2"
    with pytest.raises(openai.NotFoundError) as raised:
        client(mock).chat.completions.create(**{**user("hi"), "model": "gpt-99-turbo"})
    assert raised.value.message.count("gpt-99-turbo") >= 1
    raw = post(mock, user("raw"))
    assert (raw.status_code, raw.headers["x-teapot"], raw.json()) == (418, "yes", {"short": True, "stout": True})


MATCHES = {
    "exactly this": "exact",
    "  exactly this ": "exact",
    "ANY case": "exact-any-case",
    "please find the NEEDLE here": "contains",
    "how do i  reset my pasword?": "fuzzy",
    "please see Ticket #42": "regex",
    "when exactly": "when-exact",
    "in the haystack": "when-contains",
    "What is the capital of Frence?": "when-fuzzy",
    "call Ada": "calling Ada",
    "please do the combined one": "combined",
    "a combined secret, please": "<miss>",
    "anything at all": "Say please.",
}


@pytest.mark.parametrize("text", MATCHES)
def test_matchers(serve, text):
    answer = post(example(serve, "matchers.yaml"), user(text)).json()
    content = "<miss>" if "error" in answer else answer["choices"][0]["message"]["content"]
    assert content == MATCHES[text]


def test_more_matchers(serve):
    mock = example(serve, "matchers.yaml")
    image = [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}, {"type": "text", "text": "please?"}]
    assert complete(mock, {"role": "user", "content": image}).content == "image"
    assert complete(mock, {"role": "system", "content": "Be a pirate."}, user_message("please")).content == "Arr."
    acme = post(mock, user("please", temperature=0), headers={"x-tenant": "acme"})
    assert acme.json()["choices"][0]["message"]["content"] == "acme at zero"
    polite = post(mock, user("no manners")).json()
    assert (polite["id"], polite["created"], polite["usage"]["total_tokens"]) == ("chatcmpl-polite", 1700000000, 3)


# The README


README = publish_doctree((ROOT / "README.rst").read_text("utf-8"), settings_overrides={"report_level": 2, "halt_level": 2})


def blocks(language: str, name: str | None = None) -> list[str]:
    """The README's blocks of a language, without those that have a name; or those with this name."""
    nodes = [node for node in README.findall(literal_block) if language in node["classes"]]
    return [node.astext() for node in nodes if node["names"] == ([name] if name else [])]


def output(start: str) -> str:
    """The README's block of output that starts so, with its line breaks as spaces."""
    texts = [node.astext() for node in README.findall(literal_block) if not node["classes"]]
    return " ".join(next(text for text in texts if text.startswith(start)).split())


def test_the_readme_shows_the_rule_of_the_starter_file():
    starter = run("init").stdout
    assert blocks("yaml")[0].removeprefix("responses:\n") in starter


def test_the_readme_commands_and_first_examples_run(start, tmp_path, capsys):
    _, init, serve, *ready = blocks("console")[0].splitlines()
    assert init.split("#")[0].split() == ["$", "openaimock", "init", "mock.yaml"]
    assert serve == "$ openaimock mock.yaml"
    assert run("init", "mock.yaml", cwd=tmp_path).returncode == 0
    mock = start("mock.yaml", "--port", "0", cwd=tmp_path)
    assert (mock.ready + mock.inspector).replace(f":{mock.port}/", ":3000/").splitlines() == ready
    hello, miss, *_ = blocks("python")
    scope: dict[str, object] = {}
    exec(hello.replace("http://127.0.0.1:3000/v1", mock.url), scope)
    assert capsys.readouterr().out.rstrip() == output("Hello!")
    with pytest.raises(openai.BadRequestError) as raised:
        exec(miss, scope)
    scope["client"].close()  # type: ignore[attr-defined]
    assert f"openai.BadRequestError: {raised.value}" == output("openai.BadRequestError")


@pytest.mark.parametrize("number", [0, 1])
def test_the_readme_examples_run(number):
    exec(blocks("python")[2 + number] + "\nclient.close()\n", {})


def test_the_readme_pytest_example_passes(tmp_path):
    (tmp_path / "test_example.py").write_text(blocks("python", "pytest-example")[0])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *PLUGIN]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment(), timeout=300)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_every_page_is_in_the_readme_and_the_index_once():
    pages = {path.stem for path in (ROOT / "docs").glob("*.rst")}
    named = re.findall(r"docs/(\w+)\.rst", (ROOT / "README.rst").read_text("utf-8").partition("\nDocumentation\n")[2])
    assert sorted(named) == sorted(pages - {"changes", "contributing"})
    listed = re.findall(r"^    (\w+)$", (ROOT / "docs" / "index.rst").read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(pages - {"index"})


def test_loadtest(serve):
    mock = example(serve, "loadtest.yaml")
    api = mock.app.api
    answering = {}
    for model in ("gpt-4o-mini", "gpt-4.1-nano", "o3", "gpt-5", "a-model-of-my-own"):
        body = {"model": model, "messages": [user_message("Hello")], "stream": True}
        answering[model] = explain(api, body, api.namespaces["default"])["rule"]
    assert list(answering.values()) == ["small-model", "nano-model", "reasoning-model", "large-model", "large-model"]
    stream = post(mock, {"model": "gpt-4.1-nano", "messages": [user_message("Hello")], "stream": True})
    assert stream.text.endswith("data: [DONE]\n\n")
    assert post(mock, {"model": "text-embedding-3-small", "input": "a"}, "/embeddings").status_code == 200
