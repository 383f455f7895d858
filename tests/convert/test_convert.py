"""Files of each format, converted by the command and served: clients get what was recorded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import openai
import pytest

from openaimock.config.load import load
from openaimock.convert.files import convert as convert_files

SAMPLES = Path(__file__).parent / "samples"


def convert(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "openaimock", "convert", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def rules(*names: str) -> str:
    done = convert(*(SAMPLES / name for name in names))
    assert done.returncode == 0, done.stderr
    assert all(line.startswith("# ") for line in done.stderr.splitlines())
    load(done.stdout, environ={})
    return done.stdout


@pytest.fixture
def ask(serve, client):
    """Ask a mock with the rules of some files: chat completions by their last message."""

    def served(*names: str) -> Any:
        chat = client(serve(rules(*names))).chat.completions

        def create(text: str, **more: Any) -> Any:
            return chat.create(**{"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more})

        return create

    return served


def text(answer: Any) -> str:
    return answer.choices[0].message.content


def test_a_python_cassette(ask) -> None:
    create = ask("python.yaml")
    answer = create("Capital of France?")
    assert text(answer) == "Paris costs ${5}."
    assert (answer.model, answer.usage.total_tokens) == ("gpt-4o-2024-08-06", 9)


def test_a_stream_of_the_responses_api_keeps_its_pieces(serve, client) -> None:
    events = list(client(serve(rules("python.yaml"))).responses.create(model="gpt-5", input="Boil?", stream=True))
    assert [event.delta for event in events if event.type == "response.output_text.delta"] == ["Wat", "er ", "boils."]
    response = events[-1].response
    assert [item.type for item in response.output] == ["reasoning", "message"]
    assert response.output[0].summary[0].text == "Thinking of water."
    assert response.output[1].content[0].annotations[0].url == "https://example.com"
    assert response.usage.output_tokens_details.reasoning_tokens == 12


def test_secrets_are_not_in_the_rules_and_a_prompt_with_one_still_matches(ask) -> None:
    assert "planted" not in rules("python.yaml")
    answer = ask("python.yaml")("My key is sk-another-key-000000000, is it good?")
    assert answer.choices[0].finish_reason == "content_filter"
    assert text(answer).endswith("is a secret.")


def test_a_ruby_cassette_whose_conversation_is_one_rule(serve, client) -> None:
    converted = rules("ruby.yml")
    assert len(load(converted, environ={}).rules) == 1
    assert "secret" not in converted
    chat = client(serve(converted)).chat.completions
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    messages: list[Any] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather in Rome?"}]
    message = chat.create(model="gpt-4o", messages=messages, tools=tools).choices[0].message
    (call,) = message.tool_calls
    assert (call.function.name, call.function.arguments) == ("weather", '{"city":"Rome"}')
    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny, 30 degrees"}
    answer = chat.create(model="gpt-4o", messages=[*messages, message, result], tools=tools)
    assert text(answer) == "It is sunny in Rome."


def test_an_r_cassette_whose_responses_form_a_chain(serve, client) -> None:
    responses = client(serve(rules("r.yml"))).responses
    first = responses.create(model="gpt-4.1", input="Name a river.")
    second = responses.create(model="gpt-4.1", input="How long is it?", previous_response_id=first.id)
    assert (first.output_text, second.output_text) == ("The Nile.", "6650 km.")


def test_a_go_cassette(ask) -> None:
    create = ask("go.yaml")
    pieces = [chunk.choices[0].delta.content for chunk in create("Count", stream=True) if chunk.choices]
    assert [piece for piece in pieces if piece] == ["one tw", "o"]
    with pytest.raises(openai.RateLimitError, match=r"Rate limit reached for gpt-4o-mini") as error:
        create("Too fast")
    assert error.value.response.headers["retry-after"] == "7"
    assert text(create("Too fast")) == text(create("Too fast")) == "Now it goes."


def test_a_har(serve, client) -> None:
    api = client(serve(rules("browser.har")))
    entries = api.embeddings.create(model="text-embedding-3-small", input=["dog", "cat"], encoding_format="float").data
    assert [entry.embedding for entry in entries] == [[1.0, 0.25], [0.1, -0.5]]
    result = api.moderations.create(input="I will hit you").results[0]
    assert result.flagged and result.categories.violence and result.category_scores.violence == 0.9
    choice = api.completions.create(model="gpt-3.5-turbo-instruct", prompt="Once upon").choices[0]
    assert (choice.text, choice.finish_reason) == (" a time", "length")


def test_a_recording_of_azure_s_test_proxy(ask) -> None:
    create = ask("azure.json")
    assert text(create("Which cloud?")) == "A grey one."
    pieces = [chunk.choices[0].delta.content for chunk in create("Streamed?", stream=True) if chunk.choices]
    assert [piece for piece in pieces if piece] == ["Yes", "."]


def test_aimock_fixtures(serve, client) -> None:
    api = client(serve(rules("aimock.json")))

    def create(*messages: Any, **more: Any) -> Any:
        listed = [{"role": "user", "content": message} if isinstance(message, str) else message for message in messages]
        return api.chat.completions.create(model="gpt-4o", messages=listed, **more)

    assert text(create("well hello you")) == "Hello there!"
    tools = [{"type": "function", "function": {"name": "paint", "parameters": {"type": "object"}}}]
    call = create("paint it", tools=tools).choices[0].message
    assert json.loads(call.tool_calls[0].function.arguments) == {"colour": "blue"}
    result = {"role": "tool", "tool_call_id": "call_paint", "content": "ok"}
    assert text(create("paint it", call, result, tools=tools)) == "Painted."
    assert [text(create("a joke")) for _ in range(2)] == ["First joke.", "Second joke."]
    assert api.embeddings.create(model="m", input="a vector", encoding_format="float").data[0].embedding == [0.25, -0.5]
    with pytest.raises(openai.RateLimitError, match=r"Slow down"):
        create("busy")


def test_mock_llm_rules_of_which_the_last_that_fits_answers(ask) -> None:
    create = ask("mock-llm.yaml")
    assert text(create("oh hello")) == "Hi!"
    assert text(create("anything")) == "You said: anything"
    with pytest.raises(openai.AuthenticationError, match=r"Incorrect API key"):
        create("error-401 and hello")


def test_routes_and_prompts(ask) -> None:
    assert text(ask("routes.yaml")("a ping")) == "pong"
    create = ask("prompts.yaml")
    assert text(create("What is 2+2?")) == "2+2 equals 9."
    assert text(create("Who?")) == "I do not know."


def test_an_openai_mock_api_file(ask) -> None:
    assert "a-key-of-the-file" not in rules("openai-mock-api.yaml")
    create = ask("openai-mock-api.yaml")
    # There, the last message of a conversation always answers.
    assert text(create("Hi")) == "Goodbye."
    assert create("Add").choices[0].message.tool_calls[0].id == "call_1"


def test_the_halves_of_a_batch(ask) -> None:
    create = ask("batch-output.jsonl", "batch-input.jsonl")
    assert (text(create("One?")), text(create("Two?"))) == ("One!", "Two!")
    done = convert(SAMPLES / "batch-input.jsonl")
    assert (done.returncode, done.stdout) == (1, "")
    assert "the answer of 'first' is missing; name the batch's output file too" in done.stderr


def test_chats_for_fine_tuning(ask) -> None:
    create = ask("fine-tuning.jsonl")
    messages = [{"role": "system", "content": "You are a clerk."}, {"role": "user", "content": "Open?"}]
    assert text(create("", messages=messages)) == "Until six."
    tools = [{"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}]
    assert create("Order A-17", tools=tools).choices[0].message.tool_calls[0].function.arguments == '{"id":"A-17"}'


def test_the_same_files_give_the_same_rules() -> None:
    assert rules("python.yaml", "ruby.yml", "go.yaml") == rules("python.yaml", "ruby.yml", "go.yaml")


def test_ids_and_times_are_kept_when_asked_for(serve, client) -> None:
    done = convert("--ids", "keep", SAMPLES / "ruby.yml")
    chat = client(serve(done.stdout)).chat.completions
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather in Rome?"}]
    answer = chat.create(model="gpt-4o", messages=messages)
    assert (answer.id, answer.created, answer.choices[0].message.tool_calls[0].id) == ("chatcmpl-1", 1700000000, "call_1")


def test_files_need_not_come_in_the_order_of_time(tmp_path: Path) -> None:
    import yaml

    first, second = yaml.safe_load((SAMPLES / "r.yml").read_text())["http_interactions"]
    for name, entry in (("a.yml", second), ("b.yml", first)):
        (tmp_path / name).write_text(yaml.safe_dump({"http_interactions": [entry]}))
    done = convert(tmp_path / "a.yml", tmp_path / "b.yml")
    assert done.stderr == "# 2 converted into 1 rule, 0 left out\n"


def test_a_cassette_with_requests_and_responses_apart_and_the_url_masked(tmp_path: Path, serve, client) -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
    answer = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Ho"}, "finish_reason": "stop"}]}
    cassette = {
        "requests": [{"method": "POST", "uri": "**REDACTED**", "body": json.dumps(body)}],
        "responses": [{"status": {"code": 200}, "headers": {}, "body": {"string": json.dumps(answer)}}],
    }
    path = tmp_path / "cassette.json"
    path.write_text(json.dumps(cassette))
    chat = client(serve(convert(path).stdout)).chat.completions
    assert text(chat.create(model="gpt-4o", messages=body["messages"])) == "Ho"


def test_a_har_with_a_compressed_answer_in_pieces(tmp_path: Path, serve, client) -> None:
    import gzip

    answer = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Ho"}, "finish_reason": "stop"}]}
    packed = gzip.compress(json.dumps(answer).encode()).hex()
    har = json.loads((SAMPLES / "browser.har").read_text())
    entry = har["log"]["entries"][0]
    entry["request"]["url"] = "https://api.openai.com/v1/chat/completions"
    entry["request"]["postData"]["text"] = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]})
    entry["response"]["content"] = {"encoding": "base64", "text": json.dumps([packed[:40], packed[40:]])}
    path = tmp_path / "recording.har"
    path.write_text(json.dumps(har))
    chat = client(serve(convert(path).stdout)).chat.completions
    assert text(chat.create(model="gpt-4o", messages=[{"role": "user", "content": "Hi"}])) == "Ho"


def test_what_a_fixture_has_no_words_for_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "fixtures.json"
    fixture = {"match": {"userMessage": "Hi"}, "response": {"content": "Ho"}, "disconnectAfterMs": 50, "metadata": {}}
    path.write_text(json.dumps({"fixtures": [fixture]}))
    result = convert_files([path])
    assert [omission.place for omission in result.omissions] == [f"{path}: fixture 1: disconnectAfterMs"]
    assert [rule["reply"] for rule in result.rules] == [{"content": "Ho"}]


# The command


def test_what_is_left_out_is_reported_with_its_place_and_reason() -> None:
    done = convert(SAMPLES / "browser.har")
    assert done.stderr.splitlines() == [
        "# 3 converted into 4 rules, 1 left out",
        f"# left out: {SAMPLES / 'browser.har'}: entry 3: GET /cart is not served",
    ]


def test_a_folder_and_an_output_file(tmp_path: Path) -> None:
    output = tmp_path / "rules.yaml"
    done = convert(SAMPLES, "-o", output)
    assert (done.returncode, done.stdout) == (0, "")
    assert len(load(output, environ={}).rules) > 20


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file or directory"),
        ("", "the file is empty"),
        ("just text", "the format is not known"),
        ("a: [", "neither JSON nor YAML"),
        ("{" * 100_000, "neither JSON nor YAML"),
        ("interactions: [1, {request: {}}]", "there is no request, or no response"),
        ("interactions: [{request: {uri: x}, response: {status: {code: many}}}]", "'many' is not an HTTP status"),
        ("!!python/object/apply:os.system [echo]", "the format is not known"),
        ("fixtures: [{match: {userMessage: a}, response: {}}]", "an answer with nothing has no words here"),
    ],
)
def test_a_file_without_anything_to_convert_is_reported_and_exits_with_1(
    tmp_path: Path, content: str | None, reason: str
) -> None:
    path = tmp_path / "file.yaml"
    if content is not None:
        path.write_text(content)
    done = convert(path)
    assert (done.returncode, done.stdout) == (1, "")
    assert reason in done.stderr and str(path) in done.stderr
    assert "Traceback" not in done.stderr
