"""Every file in examples/ is served and asked; the README's examples are run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import openai
import pytest
from docutils.core import publish_doctree
from docutils.nodes import literal_block
from openai.types.chat import ChatCompletion

import openaimock

from ..support.wire import post, strictly, user

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
KEY = {"authorization": "Bearer test-key"}


def served(serve, name):
    return serve(EXAMPLES / name)


def say(mock, *messages, **more):
    body = {"model": "gpt-4o", "messages": list(messages), **more}
    answer = post(mock, body, headers=KEY)
    assert answer.status_code == 200, answer.text
    return strictly(ChatCompletion, answer.json()).choices[0].message


def user_says(text):
    return {"role": "user", "content": text}


def test_every_example_is_good():
    for path in EXAMPLES.glob("*.yaml"):
        openaimock.create_app(path)


def test_quickstart(serve):
    mock = served(serve, "quickstart.yaml")
    assert say(mock, user_says("Hello")).content == "Hi there! How can I help you today?"
    assert say(mock, user_says("How is the weather?")).content == "It is sunny and 21 degrees."
    assert say(mock, user_says("Where is my order A-17?")).content == "Order A-17 will be refunded."


def test_tools(serve):
    mock = served(serve, "tools.yaml")
    asked = user_says("What is the weather in SF?")
    called = say(mock, asked)
    assert json.loads(called.tool_calls[0].function.arguments) == {"city": "San Francisco"}
    result = {"role": "tool", "tool_call_id": "call_abc", "content": "sunny"}
    assert say(mock, asked, called.to_dict(), result).content == "It's sunny in San Francisco."
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}]
    both = say(mock, user_says("compare Paris and Rome"), tools=tools)
    assert [json.loads(call.function.arguments)["city"] for call in both.tool_calls] == ["Paris", "Rome"]
    results = [{"role": "tool", "tool_call_id": call.id, "content": "21"} for call in both.tool_calls]
    assert say(mock, user_says("compare Paris and Rome"), both.to_dict(), *results, tools=tools).content == "Rome is warmer."
    assert say(mock, user_says("run it")).tool_calls[0].custom.input == "ls -l"


def test_conversation(serve):
    mock = served(serve, "conversation.yaml")
    said = [{"role": "system", "content": "You sell travel."}, user_says("I want to book a flight!")]
    for following in ("Monday", "yes please", None):
        said.append(say(mock, *said).to_dict())
        if following:
            said.append(user_says(following))
    assert [m["content"] for m in said if m["role"] == "assistant"] == [
        "Which day would you like?",
        "Booked. Anything else?",
        "Tell me more.",
    ]
    jokes = [say(mock, user_says("a joke please")).content for _ in range(3)]
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


@pytest.mark.parametrize("said", ERRORS)
def test_errors(serve, client, said):
    status, kind, code = ERRORS[said]
    with pytest.raises(kind) as raised:
        client(served(serve, "errors.yaml")).chat.completions.create(**user(said))
    assert (raised.value.status_code, raised.value.code) == (status, code)


def test_more_errors(serve, client):
    mock = served(serve, "errors.yaml")
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


@pytest.mark.parametrize("said", MATCHES)
def test_matchers(serve, said):
    answer = post(served(serve, "matchers.yaml"), user(said)).json()
    got = "<miss>" if "error" in answer else answer["choices"][0]["message"]["content"]
    assert got == MATCHES[said]


def test_more_matchers(serve):
    mock = served(serve, "matchers.yaml")
    image = [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}, {"type": "text", "text": "please?"}]
    assert say(mock, {"role": "user", "content": image}).content == "image"
    assert say(mock, {"role": "system", "content": "Be a pirate."}, user_says("please")).content == "Arr."
    acme = post(mock, user("please", temperature=0), headers={"x-tenant": "acme"})
    assert acme.json()["choices"][0]["message"]["content"] == "acme at zero"
    polite = post(mock, user("no manners")).json()
    assert (polite["id"], polite["created"], polite["usage"]["total_tokens"]) == ("chatcmpl-polite", 1700000000, 3)


# The README


def blocks(language: str) -> list[str]:
    tree = publish_doctree((ROOT / "README.rst").read_text(), settings_overrides={"report_level": 2, "halt_level": 2})
    return [node.astext() for node in tree.findall(literal_block) if language in node["classes"]]


def test_the_readme_shows_the_quickstart_as_it_is():
    assert blocks("yaml")[0].split("\n\nresponses")[1] in (EXAMPLES / "quickstart.yaml").read_text().split("\n\nresponses")[1]


def test_the_readme_examples_run(serve, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    hello, miss, *alone = blocks("python")
    mock = serve("examples/quickstart.yaml")
    scope: dict[str, object] = {}
    exec(hello.replace("http://127.0.0.1:3000/v1", mock.url), scope)
    assert capsys.readouterr().out == "Hi there! How can I help you today?\n"
    with pytest.raises(openai.BadRequestError) as raised:
        exec(miss, scope)
    scope["client"].close()  # type: ignore[attr-defined]
    tree = publish_doctree((ROOT / "README.rst").read_text())
    shown = next(text for text in (n.astext() for n in tree.findall(literal_block)) if text.startswith("openai.BadRequestError"))
    told = re.sub(r"\s+", " ", shown).removesuffix(" ...")
    assert f"openai.BadRequestError: {raised.value}".startswith(told)
    for example in alone:
        exec(example + "\nclient.close()\n", {})
