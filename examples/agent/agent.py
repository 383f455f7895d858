"""A small agent: it answers a question about the weather with a tool, and survives what an API and a model do wrong."""

from __future__ import annotations

import json
import random
import time
from typing import Any

import openai
from openai import OpenAI

MODEL = "gpt-4o"
#: Rounds of tool calls for one question, and attempts at one round.
MAX_ROUNDS, MAX_ATTEMPTS = 5, 3
#: Failures that often pass. The SDK repeats such a request itself, but not after the first event of a stream.
PASSING = (openai.APIConnectionError, openai.RateLimitError, openai.InternalServerError)
TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather of a city.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]


class AgentError(Exception):
    """The agent has no answer; the message says why."""


def get_weather(city: str) -> str:
    """The tool."""
    return f"21 degrees in {city}"


def answer(client: OpenAI, question: str) -> str:
    """The answer to a question. AgentError when there is none."""
    messages: list[Any] = [{"role": "user", "content": question}]
    calls_before: list[tuple[str, str]] = []
    for _ in range(MAX_ROUNDS):
        message = complete(client, messages)
        if not message.tool_calls:
            return str(message.content)
        calls = [(call.function.name, call.function.arguments) for call in message.tool_calls]
        if calls == calls_before:
            raise AgentError("the model repeats its tool call")
        calls_before = calls
        messages.append({"role": "assistant", "tool_calls": [call.to_dict() for call in message.tool_calls]})
        for call in message.tool_calls:
            messages.append(
                {"role": "tool", "tool_call_id": call.id, "content": result(call.function.name, call.function.arguments)}
            )
    raise AgentError(f"no answer after {MAX_ROUNDS} rounds of tool calls")


def complete(client: OpenAI, messages: list[Any]) -> Any:
    """The message of the model. An answer that breaks off, or that has nothing in it, is asked for again."""
    for attempt in range(MAX_ATTEMPTS):
        if attempt:
            time.sleep(0.2 * 2**attempt * (1 + random.random() / 4))
        try:
            with client.chat.completions.stream(model=MODEL, messages=messages, tools=TOOLS) as stream:
                choice = stream.get_final_completion().choices[0]
        except openai.APIStatusError as error:
            if isinstance(error, PASSING) and error.code != "insufficient_quota":
                continue
            raise AgentError(f"the API refuses the request: {error.message}") from error
        except (openai.OpenAIError, AssertionError, ValueError, IndexError):
            # The SDK's reader of streams fails in one of these ways when an event is broken or missing.
            continue
        if choice.message.refusal:
            raise AgentError(f"the model refuses: {choice.message.refusal}")
        if choice.finish_reason in ("stop", "tool_calls") and (choice.message.content or choice.message.tool_calls):
            return choice.message
    raise AgentError(f"no good answer in {MAX_ATTEMPTS} attempts")


def result(name: str, arguments: str) -> str:
    """The result of a tool call; what is wrong with the call, for the model to correct it."""
    if name != "get_weather":
        return f"Error: there is no tool {name!r}."
    try:
        city = json.loads(arguments)["city"]
    except (ValueError, KeyError, TypeError):
        return "Error: the arguments are not an object with a city."
    return get_weather(city) if isinstance(city, str) else "Error: the city is not a text."
