"""Moderations through the official client: each text on its own, parts together, flagged where a rule's words stand."""

from __future__ import annotations

import asyncio

import openai
import pytest
from openai.types import ModerationCreateResponse

import openaimock
from openaimock.errors import ConfigError

from ..support.wire import post, strictly

WORDS = {
    "id": "words",
    "when": {"endpoint": "moderations", "text": {"regex": r"\b(kill|stab)\b"}},
    "reply": {"moderation": {"categories": {"violence": True, "harassment/threatening": True}}},
}
EXACT = {"when": {"endpoint": "moderations", "text": "odd"}, "reply": {"moderation": {"category_scores": {"hate": 0.7}}}}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}


def text(reply):
    return {"type": "text", "text": reply}


def ask(mock, inputs, **more):
    response = post(mock, {"input": inputs, **more}, "/moderations")
    assert response.status_code == 200, response.text
    answer = response.json()
    if answer["model"].startswith("omni"):
        strictly(ModerationCreateResponse, answer)
    return answer


@pytest.fixture
def mock(serve):
    return serve([WORDS, EXACT])


def test_whole_answer_is_what_the_type_says(mock):
    answer = ask(mock, "Hello")
    assert answer["id"].startswith("modr-")
    assert answer["model"] == "omni-moderation-latest"
    assert [result["flagged"] for result in answer["results"]] == [False]


@pytest.mark.parametrize("model", ["text-moderation-latest", "text-moderation-stable"])
def test_the_older_models_have_fewer_categories(mock, model):
    answer = ask(mock, "I will kill them", model=model)
    (result,) = answer["results"]
    assert answer["model"] == "text-moderation-007"
    assert result.keys() == {"flagged", "categories", "category_scores"}
    assert result["categories"].keys() == result["category_scores"].keys()
    assert len(result["categories"]) == 11
    assert result["flagged"] is True


def test_only_the_inputs_that_have_the_words_are_flagged(mock):
    results = ask(mock, ["I will kill them", "Hello", "odd", "a stab in the dark"])["results"]
    assert [result["flagged"] for result in results] == [True, False, True, True]
    assert results[0]["categories"]["harassment/threatening"] is True
    assert results[2]["category_scores"]["hate"] == 0.7


def test_a_list_of_one_text_has_one_result(mock):
    assert [result["flagged"] for result in ask(mock, ["I will kill them"])["results"]] == [True]


def test_the_same_text_gets_the_same_scores_wherever_it_stands(mock):
    alone = ask(mock, "Hello")["results"][0]
    assert ask(mock, ["Good bye", "Hello"])["results"][1] == alone


def test_parts_are_one_input(mock):
    results = ask(mock, [text("I will"), IMAGE, text("kill them")])["results"]
    assert [result["flagged"] for result in results] == [True]
    assert results[0]["category_applied_input_types"]["violence"] == ["text", "image"]
    assert results[0]["category_applied_input_types"]["hate"] == ["text"]


def test_an_image_alone(mock):
    (result,) = ask(mock, [IMAGE])["results"]
    assert (result["flagged"], result["category_applied_input_types"]["hate"]) == (False, [])


def test_images_are_flagged_by_their_address(serve):
    rule = {
        "when": {"endpoint": "moderations", "body": {"input.0.image_url.url": {"contains": "a.png"}}},
        "reply": {"moderation": {"flagged": True}},
    }
    assert ask(serve([rule]), [IMAGE])["results"][0]["flagged"] is True


def test_overrides_are_sent_as_given(serve):
    rule = {"when": {"endpoint": "moderations"}, "reply": {"id": "modr-given", "model": "given"}}
    answer = ask(serve([rule]), "Hello")
    assert (answer["id"], answer["model"], answer["results"][0]["flagged"]) == ("modr-given", "given", False)


def test_a_rule_for_chat_says_nothing_of_moderations(serve):
    mock = serve([{"messages": [{"role": "user", "matcher": "any"}, {"role": "assistant", "content": "Hi"}]}])
    assert ask(mock, "Hello")["results"][0]["flagged"] is False
    assert mock.app.api.namespaces["default"].hits() == {}


def test_a_function_may_judge(serve):
    judge = lambda ask: {"moderation": {"flagged": "!" in ask.text}}  # noqa: E731
    mock = serve([{"when": {"endpoint": "moderations"}, "reply": judge}])
    assert [result["flagged"] for result in ask(mock, ["Hi", "Hi!"])["results"]] == [False, True]


def test_official_client(mock, client):
    answer = client(mock).moderations.create(input=["I will kill them", "Hello"])
    assert [result.flagged for result in answer.results] == [True, False]
    assert answer.results[0].categories.violence
    assert answer.results[0].category_scores.harassment_threatening > 0.9


def test_async_client(mock, async_client):
    async def judged():
        async with async_client(mock) as sdk:
            return await sdk.moderations.create(input=[text("I will kill them"), IMAGE])

    assert asyncio.run(judged()).results[0].flagged


@pytest.mark.parametrize(
    ("body", "message", "param", "code"),
    [
        ({}, "Missing required parameter: 'input'.", "input", "missing_required_parameter"),
        (
            {"input": []},
            "Invalid 'input': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            "input",
            "empty_array",
        ),
        ({"input": [IMAGE, IMAGE]}, "Number of images (2) exceeds maximum of 1", "input", "too_many_images"),
        (
            {"input": ["a", 5]},
            "Invalid type for 'input[1]': expected a string, but got an integer instead.",
            "input[1]",
            "invalid_type",
        ),
        (
            {"input": [{"type": "video"}]},
            "Invalid value: 'video'. Supported values are: 'text' and 'image_url'.",
            "input[0].type",
            "invalid_value",
        ),
        (
            {"input": [{"type": "text"}]},
            "Missing required parameter: 'input[0].text'.",
            "input[0].text",
            "missing_required_parameter",
        ),
    ],
)
def test_what_the_api_would_not_take(mock, client, body, message, param, code):
    with pytest.raises(openai.BadRequestError) as raised:
        client(mock).post("/moderations", body=body, cast_to=object)
    assert (raised.value.body["message"], raised.value.param, raised.value.code) == (message, param, code)


def test_an_empty_text_is_harmless(mock):
    assert ask(mock, "")["results"][0]["flagged"] is False


def test_a_misspelt_category_is_a_problem_at_load():
    with pytest.raises(ConfigError) as raised:
        openaimock.create_app({"responses": [{"when": {}, "reply": {"moderation": {"categories": {"violense": True}}}}]})
    assert "'violense' is not a key of the categories; did you mean 'violence'?" in str(raised.value)
