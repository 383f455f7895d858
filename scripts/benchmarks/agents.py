"""Requests as agents send them, beside aimock: long ones and short ones, whole and streamed, no two with the same body."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from . import requests, servers, texts
from .load import check, load, verify, warm
from .nouns import Bench, Outcome, ratios, spread
from .processes import free_port, serve
from .requests import CHAT, RESPONSES
from .texts import Case


class Row(NamedTuple):
    """One kind of request: its name, its cases, and the least ratio of its rate to aimock's (0: only to compare)."""

    name: str
    cases: list[Case]
    need: float
    #: Settings of ours beside the rule.
    config: Mapping[str, Any] = {}


def rows(bench: Bench) -> list[Row]:
    """Every kind of request."""
    fresh = int(bench.take(400, 200))
    table = [Row("short chat", [requests.short(CHAT)], 1.8), Row("short Responses", [requests.short(RESPONSES)], 1.5)]
    for path, name in ((CHAT, "chat"), (RESPONSES, "Responses")):
        table += [
            Row(f"{name}, 60 KB", [requests.agent(path)], 1.0),
            Row(f"{name}, 60 KB, streamed", [requests.agent(path, stream=True)], 1.0),
            Row(f"{name}, 60 KB, another conversation each time", requests.fresh(path, fresh), 0),
        ]
    table.append(Row("chat, 100 turns", [requests.agent(CHAT, "turns", messages=200, count=0)], 0))
    calls = [requests.agent(path, "calls", messages=8, stream=True)._replace(expect=requests.ARGUMENTS) for path in (CHAT,)]
    agent, short = requests.agent(CHAT), requests.short(CHAT)
    named = short._replace(headers=(("x-openaimock-namespace", "run-########"),))
    table.append(Row("embeddings, 4 texts of 50 words", [requests.embeddings()], 2.0))
    return [
        *table,
        Row("chat, a streamed tool call", calls, 0),
        Row("chat, 60 KB, a journal of 4 MB", [agent], 0, {"journal": {"memory": "4MB"}}),
        Row("chat, 60 KB, lint: error", [agent], 0, {"lint": "error"}),
        Row("short chat, a namespace for each request", [named], 0),
    ]


def run(bench: Bench) -> Outcome:
    """Each kind at ours and at aimock in turn."""
    outcome = Outcome()
    for row in rows(bench):
        calls = row.cases[0].expect == requests.ARGUMENTS
        ours = bench.write("agents.yaml", json.dumps({"apiKey": texts.KEY, "responses": [requests.rule(calls)], **row.config}))
        theirs = bench.write("agents.json", json.dumps({"fixtures": [requests.fixture(calls)]}))
        _compare(bench, outcome, row, (ours, theirs))
    outcome.notes.append(
        "60 KB: a system prompt of 1,500 words, 20 tools and 40 messages, the same in every request but for the last message, as "
        "an agent sends them; in another conversation all messages but the system prompt are new."
    )
    return outcome


def _compare(bench: Bench, outcome: Outcome, row: Row, files: tuple[Path, Path]) -> None:
    """The rates of both servers for one kind of request."""
    ports = [free_port(), free_port()]
    rates: dict[str, list[float]] = {"openaimock": [], "aimock": []}
    costs: dict[str, list[float]] = {"openaimock": [], "aimock": []}
    with (
        serve(bench, "openaimock", servers.ours(bench, files[0], ports[0]), ports[0]) as ours,
        serve(bench, "aimock", servers.aimock(bench, files[1], ports[1]), ports[1]) as aimock,
    ):
        for server in (ours, aimock):
            verify(server, row.cases[:1])
            if row.cases[0].expect == requests.ANSWER:
                check(bench, server, row.cases)
        warm(bench, (ours, aimock), row.cases)
        for _ in range(int(bench.take(3, 2))):
            for server in (ours, aimock):
                counted = load(bench, server, row.cases, bench.take(4, 2))
                rates[server.name].append(counted.rate)
                costs[server.name].append(counted.cost)
    ratio, words = ratios(rates["openaimock"], rates["aimock"])
    if row.need:
        outcome.judge(f"{row.name}: rate to aimock's", words, f"at least {row.need:g}", ratio >= row.need)
    figures = "; ".join(f"{name} {spread(rates[name])} a second, {spread(costs[name])} µs" for name in rates)
    outcome.tell(f"{row.name}", f"{words}: {figures}")
    bench.say(f"{row.name}: {words}; {figures}")
