"""Requests of the size that agents send: a long system prompt, many tools, and a conversation that grows at its end."""

from __future__ import annotations

import json
import random
from typing import Any

from .texts import MODEL, Case, sentence

#: The load script replaces this by the number of the request, so that no body comes twice.
NUMBER = "########"
#: What the rule of an agent's request looks for in the last message, and what it answers.
QUESTION, ANSWER = "what happens next", "Answer 1: we wait for the parcel."
#: The arguments of the tool call that answers instead.
ARGUMENTS = json.dumps({"text": "where is the parcel", "number": 1})
CHAT, RESPONSES, EMBEDDINGS = "/v1/chat/completions", "/v1/responses", "/v1/embeddings"
#: What an answer with the vectors of four texts is checked for.
VECTORS = "4 vectors of 1536"
_TYPES = ("string", "integer", "number", "boolean")


def _tool(chance: random.Random, number: int) -> dict[str, Any]:
    """A function of six parameters with descriptions, about a kilobyte."""
    names = [f"{chance.choice(_TYPES)}_{word}" for word in sentence(chance, 6).split()]
    properties: dict[str, Any] = {
        name: {"type": chance.choice(_TYPES), "description": sentence(chance, 12).capitalize() + "."} for name in names
    }
    properties["filters"] = {
        "type": "array",
        "items": {"type": "object", "properties": {"field": {"type": "string"}, "value": {"type": "string"}}},
    }
    schema = {"type": "object", "properties": properties, "required": list(properties)[:3]}
    return {"name": f"tool_{number}_{names[0]}", "description": sentence(chance, 30).capitalize() + ".", "parameters": schema}


def tools(chance: random.Random, path: str, count: int = 20) -> list[dict[str, Any]]:
    """So many functions as the endpoint takes them."""
    functions = [_tool(chance, number) for number in range(count)]
    if path == CHAT:
        return [{"type": "function", "function": function} for function in functions]
    return [{"type": "function", "strict": False, **function} for function in functions]


def _round(chance: random.Random, path: str, number: int, names: list[str]) -> list[dict[str, Any]]:
    """A question, a tool call, its result, and what the assistant makes of it."""
    call, name = f"call_{chance.getrandbits(64):016x}", chance.choice(names)
    arguments = json.dumps({"text": sentence(chance, 12), "number": number})
    result = json.dumps({"rows": [{"id": chance.getrandbits(32), "text": sentence(chance, 14)} for _ in range(8)]})
    question = {"role": "user", "content": sentence(chance, 60)}
    summary = sentence(chance, 90)
    if path == CHAT:
        function = {"name": name, "arguments": arguments}
        return [
            question,
            {"role": "assistant", "content": None, "tool_calls": [{"id": call, "type": "function", "function": function}]},
            {"role": "tool", "tool_call_id": call, "content": result},
            {"role": "assistant", "content": summary},
        ]
    return [
        question,
        {"type": "function_call", "call_id": call, "name": name, "arguments": arguments},
        {"type": "function_call_output", "call_id": call, "output": result},
        {"role": "assistant", "content": [{"type": "output_text", "text": summary}]},
    ]


def agent(path: str, seed: str = "agent", *, messages: int = 40, count: int = 20, stream: bool = False) -> Case:
    """A request of about 60 KB. Requests with the same seed differ only in the number in their last message.

    The tools and the system prompt are the same for all seeds.
    """
    chance = random.Random(f"tools {path}")
    offered = tools(chance, path, count)
    names = [tool["name"] if path != CHAT else tool["function"]["name"] for tool in offered] or ["now"]
    system = sentence(chance, 1500)
    chance = random.Random(f"{seed} {path}")
    before = [{"role": "system", "content": system}] if path == CHAT else []
    conversation: list[dict[str, Any]] = list(before)
    # Whole rounds only: a call without its result would be refused.
    while len(conversation) < messages - 1:
        turn = _round(chance, path, len(conversation), names)
        conversation += turn if len(conversation) + 4 < messages else turn[:: 3 if len(conversation) + 2 < messages else 4]
    conversation.append({"role": "user", "content": f"{sentence(chance, 20)} {NUMBER}: {QUESTION}?"})
    head = {"messages": conversation} if path == CHAT else {"instructions": system, "input": conversation}
    body = {**head, "model": MODEL, **({"stream": True} if stream else {}), **({"tools": offered} if offered else {})}
    return Case(json.dumps(body, separators=(",", ":")).encode(), ANSWER, path)


def fresh(path: str, count: int, *, stream: bool = False) -> list[Case]:
    """So many requests of different conversations, with the same tools and system prompt."""
    return [agent(path, f"fresh {number}", stream=stream) for number in range(count)]


def short(path: str, *, stream: bool = False) -> Case:
    """A request of one sentence."""
    text = f"{QUESTION} {NUMBER}"
    body: dict[str, Any] = {"model": MODEL, **({"stream": True} if stream else {})}
    body |= {"messages": [{"role": "user", "content": text}]} if path == CHAT else {"input": text}
    return Case(json.dumps(body).encode(), ANSWER, path)


def conversation(messages: int) -> Case:
    """A chat request of so many short messages; the last one has the number and the question."""
    chance = random.Random(messages)
    turns = [{"role": ("user", "assistant")[at % 2], "content": sentence(chance, 20)} for at in range(messages - 1)]
    turns.append({"role": "user", "content": f"{NUMBER}: {QUESTION}?"})
    return Case(json.dumps({"model": MODEL, "messages": turns}).encode(), ANSWER, CHAT)


def embeddings() -> Case:
    """A request for the vectors of four texts of 50 words, in base64 as the SDK asks for them."""
    chance = random.Random("embeddings")
    inputs = [f"{sentence(chance, 49)} {NUMBER}" for _ in range(4)]
    body = {"model": "text-embedding-3-small", "input": inputs, "encoding_format": "base64"}
    return Case(json.dumps(body).encode(), VECTORS, EMBEDDINGS)


def rule(calls: bool = False) -> dict[str, Any]:
    """The rule that answers these requests: with a sentence, or with a tool call."""
    reply: Any = {"tool_calls": [{"name": "tool_0", "arguments": ARGUMENTS}]} if calls else ANSWER
    return {"id": "agent", "when": {"user": {"contains": QUESTION}}, "reply": reply}


def fixture(calls: bool = False) -> dict[str, Any]:
    """The same for aimock."""
    response: Any = {"toolCalls": [{"name": "tool_0", "arguments": ARGUMENTS}]} if calls else {"content": ANSWER}
    return {"match": {"userMessage": QUESTION}, "response": response}
