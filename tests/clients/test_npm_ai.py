"""The Vercel AI SDK: text, streams, tool loops, objects and vectors over chat completions and Responses."""

from __future__ import annotations

import json

import pytest

from .conftest import HELLO, PERSON, SUNNY, from_npm, node

pytestmark = from_npm("ai")
START = """
import { createOpenAI } from "@ai-sdk/openai"
import { embedMany, generateText, Output, stepCountIs, streamText, tool } from "ai"
import { z } from "zod"
const openai = createOpenAI(), maxRetries = 0
const print = (value) => console.log(JSON.stringify(value))
const get_weather = tool({
    description: "The weather of a city.", inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => "21 degrees in " + city,
})
const loop = { prompt: "What is the weather?", tools: { get_weather }, stopWhen: stepCountIs(4), maxRetries }
const output = Output.object({ schema: z.object({ name: z.string(), age: z.number() }) })
"""


@pytest.fixture(params=["chat", "responses"])
def run(request, mock):
    return lambda script: json.loads(node(f'{START}\nconst model = openai.{request.param}("gpt-4o")\n{script}'))


def test_stream_equals_whole_reply(run):
    found = run("""
        const whole = await generateText({ model, prompt: "Hello", maxRetries })
        const stream = streamText({ model, prompt: "Hello", maxRetries })
        let text = ""
        for await (const part of stream.textStream) text += part
        print([whole.text, text, whole.usage.outputTokens, (await stream.usage).outputTokens])
    """)
    assert found[0] == found[1] == HELLO
    assert found[2] == found[3] > 0


def test_tool_loop_ends(run):
    found = run("""
        const whole = await generateText({ model, ...loop })
        const stream = streamText({ model, ...loop })
        await stream.consumeStream()
        print([whole.text, whole.steps.length, await stream.text, (await stream.steps).length])
    """)
    assert found == [SUNNY, 2, SUNNY, 2]


def test_structured_output_parses(run):
    found = run("""
        const whole = await generateText({ model, prompt: "Who is Jane?", output, maxRetries })
        const stream = streamText({ model, prompt: "Who is Jane?", output, maxRetries })
        await stream.consumeStream()
        print([whole.output, await stream.output])
    """)
    assert found == [PERSON, PERSON]


def test_embeddings_have_one_vector_for_each_text(mock):
    found = node(
        START
        + """
        const model = openai.embedding("text-embedding-3-small")
        print((await embedMany({ model, values: ["one", "two"], maxRetries })).embeddings.map((each) => each.length))
        """
    )
    assert json.loads(found) == [1536, 1536]
