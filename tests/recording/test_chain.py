"""Two mocks in a chain: the second records what the first answers, and answers the same when the first is gone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openai import APIConnectionError, APIStatusError, OpenAI
from pydantic import BaseModel

from openaimock.cli import main
from openaimock.config import keys
from openaimock.testing.mock import MockServer

UPSTREAM = """
seed: 5
responses:
  - {id: hello, when: {user: Hello}, reply: {content: "Hello, world! How are you?", pace: {chunk: 5}}}
  - id: weather
    messages:
      - {role: user, content: weather, matcher: contains}
      - {role: assistant, tool_calls: [{name: get_weather, arguments: {city: SF}}, {name: get_time, arguments: {zone: PST}}]}
      - {role: tool, matcher: any}
      - {role: tool, matcher: any}
      - {role: assistant, content: "It is sunny, and noon."}
  - {id: person, when: {response_format: Person}, reply: {content: {name: Ada, age: 36}}}
  - {id: secret, when: {user: {contains: ticket}}, reply: "It is {{ turn }}."}
  - {id: limited, when: {user: limited}, replies: [{error: {status: 429, retry_after: 0}}, "at last"]}
  - {id: broken, when: {user: broken}, reply: {error: 500}}
  - {id: refusal, when: {user: bad}, reply: {refusal: "I will not."}}
  - {id: long, when: {user: long}, reply: {content: "one two", finish_reason: length}}
  - {id: reasoning, when: {user: think}, reply: {reasoning: "Let me see.", content: "42"}}
  - {id: first, when: {user: "Who?"}, reply: "Ada."}
  - {id: second, when: {user: "When?", turn: 1}, reply: "1815."}
  - {id: vector, when: {text: one}, reply: {embedding: [0.25, -0.5, 0.125]}}
  - {id: flagged, when: {text: nasty}, reply: {moderation: {flagged: true, categories: {violence: true}}}}
  - {id: unicode, when: {user: "Grüße"}, reply: "Schöne Grüße 👋 aus Köln"}
  - {id: turns, when: {user: again}, replies: [one, two, three], then: last}
"""


def user(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


class Person(BaseModel):
    name: str
    age: int


# What a client does, and what it sees of the answers: all but ids and times


def whole(client: OpenAI) -> Any:
    answer = client.chat.completions.create(model="gpt-4o", messages=user("Hello"))
    return answer.choices[0].message.content, answer.choices[0].finish_reason, answer.usage, answer.model


def streamed(client: OpenAI) -> Any:
    options = {"include_usage": True}
    stream = client.chat.completions.create(model="gpt-4o", messages=user("Hello"), stream=True, stream_options=options)
    return [(chunk.choices and (chunk.choices[0].delta, chunk.choices[0].finish_reason), chunk.usage) for chunk in stream]


def tools(client: OpenAI, stream: bool = False) -> Any:
    messages: list[Any] = user("What is the weather?")
    offered: Any = [{"type": "function", "function": {"name": name}} for name in ("get_weather", "get_time")]
    results: list[Any] = []
    for _ in range(2):
        if stream:
            with client.beta.chat.completions.stream(model="gpt-4o", messages=messages, tools=offered) as events:
                message = events.get_final_completion().choices[0].message
        else:
            message = client.chat.completions.create(model="gpt-4o", messages=messages, tools=offered).choices[0].message
        results.append((message.content, [(call.function.name, call.function.arguments) for call in message.tool_calls or ()]))
        messages.append(message.model_dump(include={"role", "content", "tool_calls"}))
        messages += [
            {"role": "tool", "tool_call_id": call.id, "content": f"result {at}"}
            for at, call in enumerate(message.tool_calls or ())
        ]
    return results


def streamed_tools(client: OpenAI) -> Any:
    return tools(client, stream=True)


def structured(client: OpenAI) -> Any:
    chat = client.chat.completions.parse(model="gpt-4o", messages=user("Who is it?"), response_format=Person)
    response = client.responses.parse(model="gpt-4o", input="Who is it?", text_format=Person)
    return chat.choices[0].message.parsed, response.output_parsed


def error(client: OpenAI) -> Any:
    results = []
    for text in ("broken", "limited"):
        with pytest.raises(APIStatusError) as refusal:
            client.chat.completions.create(model="gpt-4o", messages=user(text))
        # The name of the organization is not recorded.
        body = re.sub(r"org-\S+", "org", str(refusal.value.body))
        results.append((refusal.value.status_code, body, refusal.value.response.headers.get("retry-after")))
    return [*results, client.chat.completions.create(model="gpt-4o", messages=user("limited")).choices[0].message.content]


def odd_answers(client: OpenAI) -> Any:
    return [
        client.chat.completions.create(model="gpt-4o", messages=user(text)).choices[0].model_dump()
        for text in ("bad", "long", "Grüße", "again", "again", "again")
    ]


def chain(client: OpenAI) -> Any:
    first = client.responses.create(model="gpt-4o", input="Who?")
    second = client.responses.create(model="gpt-4o", input="When?", previous_response_id=first.id)
    return first.output_text, second.output_text, first.usage, second.usage


def response_events(client: OpenAI) -> Any:
    stream = client.responses.create(model="o3", input="think", stream=True)
    events = [(event.type, getattr(event, "delta", None), getattr(event, "text", None)) for event in stream]
    # The pieces of a text are those recorded; those of a summary are not.
    return [event for event in events if event[0] != "response.reasoning_summary_text.delta"]


def embeddings(client: OpenAI) -> Any:
    by_default = client.embeddings.create(model="text-embedding-3-small", input="one")
    floats = client.embeddings.create(model="text-embedding-3-small", input=["one", "one"], encoding_format="float")
    return [item.embedding for item in (*by_default.data, *floats.data)], by_default.usage


def moderation(client: OpenAI) -> Any:
    return client.moderations.create(model="omni-moderation-latest", input="nasty").results


def completion(client: OpenAI) -> Any:
    stream = client.completions.create(model="gpt-3.5-turbo-instruct", prompt="Say it", stream=True)
    return "".join(chunk.choices[0].text for chunk in stream)


SESSIONS = [
    whole, streamed, tools, streamed_tools, structured, error, odd_answers, chain, response_events, embeddings, moderation,
    completion,
]  # fmt: skip


@pytest.fixture
def chained(serve, tmp_path: Path) -> Callable[..., tuple[MockServer, MockServer, Path]]:
    """A mock with rules, and one that records what the first answers to a file."""

    def start(upstream: Any = UPSTREAM, **record: Any) -> tuple[MockServer, MockServer, Path]:
        file = tmp_path / "recorded.yaml"
        first = serve(upstream)
        second = serve({"upstream": {"url": first.url}, "record": {"file": str(file), **record}})
        return first, second, file

    return start


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.__name__)
def test_a_replay_answers_as_the_upstream_did(chained, serve, client, session) -> None:
    first, second, file = chained(UPSTREAM + "  - {id: text, when: {endpoint: completions}, reply: 'It is said.'}\n")
    recorded = session(client(second))
    for mock in (second, first):
        mock.stop()
    assert second.app.api.upstream.recorder.skipped == 0
    replaying = serve({"record": {"file": str(file)}})
    assert session(client(replaying)) == recorded
    assert replaying.unmatched == []


def test_the_asynchronous_client_records_too(chained, serve, async_client) -> None:
    first, second, file = chained()

    async def session(mock: MockServer) -> Any:
        async with async_client(mock) as client:

            async def say(text: str) -> str:
                stream = await client.chat.completions.create(model="gpt-4o", messages=user(text), stream=True)
                return "|".join([chunk.choices[0].delta.content or "" async for chunk in stream])

            return await asyncio.gather(*(say(text) for text in ("Hello", "Grüße", "think")))

    recorded = asyncio.run(session(second))
    first.stop()
    assert asyncio.run(session(serve({"record": {"file": str(file)}}))) == recorded


def test_the_same_session_gives_the_same_file(chained, serve, client, tmp_path) -> None:
    first, _second, file = chained()
    files = []
    for mode in ("once", "all", "all"):
        mock = serve({"upstream": {"url": first.url}, "record": {"file": str(file), "mode": mode}})
        first.reset()
        for session in SESSIONS[:-1]:
            session(client(mock))
        files.append(file.read_text("utf-8"))
    assert files[0] == files[1] == files[2]


def test_the_file_passes_check(chained, client) -> None:
    _first, second, file = chained()
    for session in SESSIONS[:-1]:
        session(client(second))
    assert main(["check", str(file)]) == 0


@pytest.mark.skipif("gaps" not in keys.SHAPES["pace"].by_name, reason="paces have no gaps yet")
def test_gaps_of_a_stream_are_recorded(chained, client) -> None:
    paced = UPSTREAM.replace("pace: {chunk: 5}", "pace: {ttft: 60, tps: 50, chunk: 5}")
    _first, second, file = chained(paced, timing=True)
    streamed(client(second))
    gaps = re.search(r"gaps: \[(.*)\]", file.read_text("utf-8"))
    assert gaps is not None
    numbers = [float(number) for number in gaps[1].split(",")]
    assert numbers[0] >= 50
    assert len(numbers) == 6


# Modes


def say(client: OpenAI, text: str) -> str | None:
    return client.chat.completions.create(model="gpt-4o", messages=user(text)).choices[0].message.content


def test_new_replays_what_is_known_and_records_the_rest(chained, serve, client) -> None:
    first, second, file = chained()
    say(client(second), "Hello")
    mock = serve({"upstream": {"url": first.url}, "record": {"file": str(file), "mode": "new"}})
    assert say(client(mock), "Hello") == "Hello, world! How are you?"
    assert say(client(mock), "Who?") == "Ada."
    assert [exchange.rule for exchange in mock.exchanges] == ["hello", None]
    assert file.read_text("utf-8").count("- id:") == 2


def test_all_takes_the_place_of_the_rule_of_the_same_request(chained, serve, client) -> None:
    _first, second, file = chained()
    say(client(second), "Hello")
    say(client(second), "Who?")
    other = serve([{"when": {"user": "Hello"}, "reply": "Changed."}])
    mock = serve({"upstream": {"url": other.url}, "record": {"file": str(file), "mode": "all"}})
    assert say(client(mock), "Hello") == "Changed."
    text = file.read_text("utf-8")
    assert "Changed." in text and "world" not in text and "Ada." in text
    assert text.count("- id:") == 2


def test_once_replays_a_file_that_exists(chained, serve, client) -> None:
    first, second, file = chained()
    say(client(second), "Hello")
    mock = serve({"upstream": {"url": first.url}, "record": {"file": str(file)}})
    assert say(client(mock), "Hello") == "Hello, world! How are you?"
    with pytest.raises(APIStatusError, match="No matching response"):
        say(client(mock), "Who?")


def test_a_miss_names_the_nearest_recording_and_what_differs(chained, serve, client) -> None:
    _first, second, file = chained()
    say(client(second), "Hello")
    with pytest.raises(APIStatusError) as miss:
        say(client(serve({"record": {"file": str(file)}})), "Hallo")
    message = str(miss.value)
    assert f"Nearest recordings: 1. hello ({file}:2:5): messages[0] (user): expected exactly 'Hello', got 'Hallo'" in message
    assert "run again with record.mode 'new'" in message


def test_a_miss_tells_recordings_from_other_rules(chained, serve, client) -> None:
    _first, second, file = chained()
    say(client(second), "Hello")
    own = [{"id": "mine", "when": {"user": "Hullo"}, "reply": "x"}]
    api = client(serve({"responses": own, "record": {"file": str(file)}}))
    with pytest.raises(APIStatusError) as miss:
        say(api, "Hallo")
    assert "Nearest rules: " in str(miss.value)
    assert ". recording hello (" in str(miss.value) and ". mine (" in str(miss.value)


@pytest.mark.parametrize(
    "ask",
    [
        lambda api: api.embeddings.create(model="text-embedding-3-small", input="unknown"),
        lambda api: api.embeddings.create(model="text-embedding-3-small", input=["one", "unknown"]),
        lambda api: api.moderations.create(input="unknown"),
        lambda api: api.images.generate(model="gpt-image-1.5", prompt="unknown"),
        lambda api: api.audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input="unknown"),
    ],
    ids=["embedding", "embeddings", "moderation", "image", "speech"],
)
def test_a_replay_makes_up_no_answer(chained, serve, client, ask) -> None:
    _first, second, file = chained()
    embeddings(client(second))
    with pytest.raises(APIStatusError, match=r"Nearest recordings: .*'unknown'|Nearest recordings: .*endpoint: expected"):
        ask(client(serve({"record": {"file": str(file)}})))


def test_the_rules_of_the_configuration_answer_first(chained, serve, client, tmp_path) -> None:
    first, _, file = chained()
    own = [{"when": {"user": "Hello"}, "reply": "mine"}]
    mock = serve({"responses": own, "upstream": {"url": first.url}, "record": {"file": str(file)}})
    assert say(client(mock), "Hello") == "mine"
    assert not file.exists()


def test_ids_and_times_are_kept_on_demand(chained, serve, client) -> None:
    _first, second, file = chained(ids="keep")
    recorded = client(second).chat.completions.create(model="gpt-4o", messages=user("Hello"))
    replayed = client(serve({"record": {"file": str(file)}})).chat.completions.create(model="gpt-4o", messages=user("Hello"))
    assert replayed == recorded


def test_a_hand_written_file_keeps_its_comments_and_order(chained, serve, client) -> None:
    first, _, file = chained()
    written = "# Mine.\nresponses:\n  # The first.\n  - id: mine\n    when: {user: mine}\n    reply: own\n"
    file.write_text(written, "utf-8")
    mock = serve({"upstream": {"url": first.url}, "record": {"file": str(file), "mode": "new"}})
    say(client(mock), "Hello")
    assert file.read_text("utf-8").startswith(written)


def test_parallel_requests_are_all_recorded(chained, client, serve) -> None:
    from concurrent.futures import ThreadPoolExecutor

    rules = [{"id": f"r{n}", "when": {"user": f"question {n}"}, "reply": f"answer {n}"} for n in range(40)]
    _first, second, file = chained(rules)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: say(client(second), f"question {n}"), range(40)))
    replaying = client(serve({"record": {"file": str(file)}}))
    assert answers == [say(replaying, f"question {n}") for n in range(40)]


def test_an_answer_that_breaks_off_is_not_recorded(chained, client) -> None:
    _first, second, file = chained(UPSTREAM.replace("pace: {chunk: 5}", "fault: {kind: disconnect, after: 2}"))
    with pytest.raises(APIConnectionError):
        streamed(client(second))
    assert not file.exists()
