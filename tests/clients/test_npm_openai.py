"""openai for Node: whole replies, streams, its helpers' tool loop, parsing, vectors."""

from __future__ import annotations

import json

import pytest

from .conftest import HELLO, PERSON, SUNNY, from_npm, node

pytestmark = from_npm("openai")
START = """
import OpenAI from "openai"
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod"
import { z } from "zod"
const client = new OpenAI({ maxRetries: 0 })
const model = "gpt-4o", user = (content) => [{ role: "user", content }]
const Person = z.object({ name: z.string(), age: z.number() })
const print = (value) => console.log(JSON.stringify(value))
"""


def run(script: str):
    return json.loads(node(START + script))


def test_chat_stream_equals_whole_reply(mock):
    found = run("""
        const whole = await client.chat.completions.create({ model, messages: user("Hello") })
        const stream = client.chat.completions.stream({ model, messages: user("Hello"), stream_options: { include_usage: true } })
        const final = await stream.finalChatCompletion()
        print([whole.choices[0].message.content, final.choices[0].message.content, whole.usage, final.usage])
    """)
    assert found[0] == found[1] == HELLO
    assert found[2] == found[3]


def test_responses_stream_equals_whole_reply(mock):
    found = run("""
        const whole = await client.responses.create({ model, input: "Hello" })
        const stream = client.responses.stream({ model, input: "Hello" })
        let text = ""
        for await (const event of stream) if (event.type === "response.output_text.delta") text += event.delta
        print([whole.output_text, text, (await stream.finalResponse()).output_text])
    """)
    assert found == [HELLO] * 3


@pytest.mark.parametrize("stream", ["false", "true"])
def test_chat_tool_loop_ends(mock, stream):
    found = run(f"""
        const cities = []
        const get_weather = {{
            name: "get_weather", parse: JSON.parse, description: "The weather of a city.",
            parameters: {{ type: "object", properties: {{ city: {{ type: "string" }} }} }},
            function: ({{ city }}) => {{ cities.push(city); return "21 degrees" }},
        }}
        const tools = [{{ type: "function", function: get_weather }}]
        const runner = client.chat.completions.runTools(
            {{ model, messages: user("What is the weather?"), tools, stream: {stream} }}, {{ maxChatCompletions: 4 }})
        print([await runner.finalContent(), cities])
    """)
    assert found == [SUNNY, ["Paris"]]


def test_responses_tool_loop_ends(mock):
    found = run("""
        const tools = [{ type: "function", name: "get_weather", strict: false, parameters: { type: "object", properties: {} } }]
        const first = await client.responses.stream({ model, input: "What is the weather?", tools }).finalResponse()
        const input = first.output.map(({ call_id }) => ({ type: "function_call_output", call_id, output: "21 degrees" }))
        const second = await client.responses.stream({ model, input, tools, previous_response_id: first.id }).finalResponse()
        print([first.output.map((item) => item.arguments), second.output_text])
    """)
    assert [json.loads(each) for each in found[0]] == [{"city": "Paris"}]
    assert found[1] == SUNNY


def test_structured_outputs_parse(mock):
    found = run("""
        const messages = user("Who is Jane?")
        const response_format = zodResponseFormat(Person, "person")
        const chat = await client.chat.completions.parse({ model, messages, response_format })
        const text = { format: zodTextFormat(Person, "person") }
        const response = await client.responses.parse({ model, input: "Who is Jane?", text })
        print([chat.choices[0].message.parsed, response.output_parsed])
    """)
    assert found == [PERSON, PERSON]


def test_embeddings_are_the_same_in_base64_and_floats(mock):
    found = run("""
        const ask = { model: "text-embedding-3-small", input: ["one", "two"], dimensions: 16 }
        const decoded = await client.embeddings.create(ask)
        const floats = await client.embeddings.create({ ...ask, encoding_format: "float" })
        print([decoded, floats].map(({ data }) => data.map(({ embedding }) => embedding)))
    """)
    assert [[len(vector) for vector in each] for each in found] == [[16, 16], [16, 16]]
    assert found[0][0] == pytest.approx(found[1][0], abs=1e-7)
