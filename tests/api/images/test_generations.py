"""Image generations through the official client, and as the wire has them."""

from __future__ import annotations

import asyncio
import base64
import io

import httpx
import openai
import pytest
from openai import AzureOpenAI
from openai.types import ImageGenStreamEvent, ImagesResponse
from PIL import Image

from openaimock.media import png

from ...support.wire import events, post, strictly

GPT, DALL_E_3, DALL_E_2 = "gpt-image-1.5", "dall-e-3", "dall-e-2"


def ask(mock, **body):
    response = post(mock, {"model": GPT, "prompt": "a red fox", **body}, "/images/generations")
    assert response.status_code == 200, response.text
    return response.json()


def refusal(mock, **body):
    response = post(mock, {"model": GPT, "prompt": "a red fox", **body}, "/images/generations")
    assert response.status_code == 400, response.text
    return response.json()["error"]


def picture(data):
    return Image.open(io.BytesIO(base64.b64decode(data) if isinstance(data, str) else data))


def fetch(url, **options):
    with httpx.Client(trust_env=False, verify=False) as http:
        return http.get(url, **options)


# What it draws


def test_the_answer_of_a_gpt_image_model(serve):
    answer = strictly(ImagesResponse, ask(serve([])))
    (image,) = answer.data
    assert (image.url, image.revised_prompt) == (None, None)
    opened = picture(image.b64_json)
    assert (opened.format, opened.size, opened.mode) == ("PNG", (1024, 1024), "RGB")
    assert (answer.background, answer.output_format, answer.quality, answer.size) == ("opaque", "png", "medium", "1024x1024")
    assert answer.usage.output_tokens == 1056
    assert answer.usage.total_tokens == answer.usage.input_tokens + 1056


def test_the_same_prompt_has_the_same_picture_and_another_has_another(serve):
    mock = serve([])
    first, again, other = (ask(mock, prompt=prompt, size="1024x1536")["data"] for prompt in ("fox", "fox", "hare"))
    assert first == again != other
    assert picture(first[0]["b64_json"]).size == (1024, 1536)


def test_several_images_of_one_prompt_differ(serve):
    answer = ask(serve([]), n=3)
    assert len({image["b64_json"] for image in answer["data"]}) == 3
    assert answer["usage"]["output_tokens"] == 3 * 1056


def test_a_transparent_background_has_an_alpha_channel(serve):
    answer = ask(serve([]), background="transparent", quality="low")
    assert picture(answer["data"][0]["b64_json"]).mode == "RGBA"
    assert (answer["background"], answer["quality"], answer["usage"]["output_tokens"]) == ("transparent", "low", 272)


@pytest.mark.parametrize(
    ("model", "size", "quality", "count"),
    [
        ("gpt-image-1", "1024x1536", "high", 6240),
        ("gpt-image-1", "1536x1024", "medium", 1568),
        ("gpt-image-1-mini", "1536x1024", "low", 400),
        ("gpt-image-2", "1536x864", "low", 120),
    ],
)
def test_output_tokens_are_those_of_the_size_and_quality(serve, model, size, quality, count):
    assert ask(serve([]), model=model, size=size, quality=quality)["usage"]["output_tokens"] == count


def test_the_safety_identifier_is_in_the_answer(serve):
    mock = serve([])
    assert ask(mock, user="u1")["safety_identifier"] == "u1"
    assert strictly(ImagesResponse, ask(mock, user="u1", safety_identifier="s1")).safety_identifier == "s1"


# DALL-E


def test_dall_e_3_answers_with_a_url_and_the_revised_prompt(serve):
    mock = serve([])
    answer = ask(mock, model=DALL_E_3, size="1792x1024", quality="hd", style="natural")
    assert answer.keys() == {"created", "data"}
    (image,) = strictly(ImagesResponse, answer).data
    assert image.revised_prompt == "a red fox"
    response = fetch(image.url)
    assert (response.status_code, response.headers["content-type"]) == (200, "image/png")
    assert picture(response.content).size == (1792, 1024)


def test_dall_e_2_is_the_default_and_has_no_revised_prompt(serve):
    mock = serve([])
    response = post(mock, {"prompt": "fox", "n": 2, "size": "256x256", "response_format": "b64_json"}, "/images/generations")
    data = response.json()["data"]
    assert [image.keys() for image in data] == [{"b64_json"}] * 2
    assert picture(data[0]["b64_json"]).size == (256, 256)
    assert mock.exchanges[-1].ask.model == DALL_E_2


def test_a_request_without_a_model_and_with_a_parameter_of_gpt_models_is_for_one(serve):
    response = post(serve([]), {"prompt": "fox", "background": "opaque"}, "/images/generations")
    assert response.json()["background"] == "opaque"


# Addresses


def test_an_address_works_without_a_key_and_only_as_it_is_signed(serve):
    mock = serve({"api_key": "secret"})
    with openai.OpenAI(base_url=mock.url, api_key="secret", max_retries=0) as sdk:
        url = sdk.images.generate(model=DALL_E_2, prompt="fox").data[0].url
    assert fetch(url).content.startswith(png.SIGNATURE)
    assert fetch(url[:-1] + ("0" if url[-1] != "0" else "1")).status_code == 404
    assert fetch(url.partition("?")[0]).status_code == 404
    assert "secret" not in url
    with httpx.Client(trust_env=False, verify=False) as http:
        head = http.head(url)
        assert (head.status_code, head.content, int(head.headers["content-length"]) > 1000) == (200, b"", True)
        assert http.post(url).status_code == 405


@pytest.mark.parametrize("namespace", ["run-7", "a/b é", "50%"])
def test_an_address_of_another_namespace_works_and_ends_with_its_reset(serve, namespace):
    mock = serve([])
    headers = {"x-openaimock-namespace": namespace.encode()}
    response = post(mock, {"model": DALL_E_2, "prompt": "fox"}, "/images/generations", headers=headers)
    url = response.json()["data"][0]["url"]
    assert fetch(url).status_code == 200
    mock.app.api.namespaces.reset()
    assert fetch(url).status_code == 404


def test_an_address_names_the_mock_below_a_prefix_and_behind_a_proxy(serve):
    from werkzeug.middleware.dispatcher import DispatcherMiddleware
    from werkzeug.test import Client
    from werkzeug.wrappers import Response

    mock = serve([])
    client = Client(DispatcherMiddleware(lambda *_: [], {"/mock": mock.app}))
    headers = {"host": "inner:1", "x-forwarded-host": "api.example", "x-forwarded-proto": "https", "x-forwarded-prefix": "/ai"}
    response = client.post("/mock/v1/images/generations", json={"prompt": "fox"}, headers=headers)
    url = response.json["data"][0]["url"]
    base = "https://api.example/ai/mock"
    assert url.startswith(f"{base}/__openaimock-images/default/img-")
    picture_response: Response = client.get(url.removeprefix("https://api.example/ai"))
    assert picture_response.data.startswith(png.SIGNATURE)


def test_an_address_expires_after_an_hour_by_the_clock_of_the_mock(serve):
    mock = serve({"responses": [], "clock": "2026-01-01T00:00:00Z"})
    url = ask(mock, model=DALL_E_2, size="256x256")["data"][0]["url"]
    mock.advance(3599)
    assert fetch(url).status_code == 200
    mock.advance(1)
    response = fetch(url)
    message = "The address of this picture has expired: it was valid for 60 minutes."
    assert (response.status_code, response.json()["error"]["message"]) == (403, message)
    # Nobody without the signature can make it valid again.
    assert fetch(url.replace("se=", "se=9")).status_code == 404


def test_the_oldest_pictures_make_room(serve, monkeypatch):
    from openaimock.api.images import hosted

    monkeypatch.setattr(hosted, "MOST", 2)
    mock = serve([])
    urls = [ask(mock, model=DALL_E_2, prompt=str(n), size="256x256")["data"][0]["url"] for n in range(3)]
    assert [fetch(url).status_code for url in urls] == [404, 200, 200]


def test_a_full_store_forgets_old_pictures(serve, monkeypatch):
    from openaimock.state import blobs

    mock = serve([])
    first = ask(mock, model=DALL_E_2, size="256x256")["data"][0]["url"]
    monkeypatch.setattr(blobs, "TOTAL", len(fetch(first).content) + 10)
    second = ask(mock, model=DALL_E_2, size="256x256")["data"][0]["url"]
    assert (fetch(first).status_code, fetch(second).status_code) == (404, 200)


# Streams


def test_a_stream_has_partial_images_and_then_the_image(serve):
    mock = serve([])
    text = post(mock, {"model": GPT, "prompt": "fox", "stream": True, "partial_images": 2}, "/images/generations").text
    assert "event: image_generation.partial_image\n" in text
    *partials, last = [strictly(ImageGenStreamEvent, event) for event in events(text)]
    assert [(event.type, event.partial_image_index) for event in partials] == [
        ("image_generation.partial_image", 0),
        ("image_generation.partial_image", 1),
    ]
    assert all(picture(event.b64_json).size == (1024, 1024) for event in partials)
    assert last.type == "image_generation.completed"
    assert last.b64_json == ask(mock, prompt="fox")["data"][0]["b64_json"]
    assert last.usage.output_tokens == 1056


def test_a_stream_without_partial_images_is_one_event(serve):
    text = post(serve([]), {"model": GPT, "prompt": "fox", "stream": True}, "/images/generations").text
    assert [event["type"] for event in events(text)] == ["image_generation.completed"]


def test_the_clients_generate_and_stream(serve, client, async_client):
    mock = serve([])
    sdk = client(mock)
    whole = sdk.images.generate(model=GPT, prompt="fox")
    last = list(sdk.images.generate(model=GPT, prompt="fox", stream=True, partial_images=1))[-1]
    assert last.b64_json == whole.data[0].b64_json

    async def stream():
        async with async_client(mock) as sdk:
            whole = await sdk.images.generate(model=GPT, prompt="fox")
            streamed = [event async for event in await sdk.images.generate(model=GPT, prompt="fox", stream=True)]
            return whole.data[0].b64_json == streamed[-1].b64_json

    assert asyncio.run(stream())


def test_the_azure_client_generates(serve):
    mock = serve([])
    with AzureOpenAI(azure_endpoint=mock.url.removesuffix("/v1"), api_key="k", api_version="2024-10-21", max_retries=0) as azure:
        answer = azure.images.generate(model="my-image", prompt="fox")
    assert picture(answer.data[0].b64_json).size == (1024, 1024)
    assert mock.exchanges[-1].ask.model == "my-image"


# Rules


def test_a_rule_gives_files_base64_or_an_address(serve, tmp_path):
    fox = tmp_path / "pics" / "fox.jpg"
    fox.parent.mkdir()
    Image.new("RGB", (8, 8)).save(fox)
    config = tmp_path / "mock.yaml"
    config.write_text(
        "responses:\n"
        "  - {when: {text: fox}, reply: {image: {file: pics/fox.jpg}}}\n"
        "  - {when: {text: two}, reply: {image: [{b64: QUJD}, {b64: REVG, revised_prompt: better}]}}\n"
        "  - {when: {text: far}, reply: {image: {url: 'https://example.com/{{ user }}.png'}}}\n"
    )
    mock = serve(config)
    answer = ask(mock, prompt="fox", output_format="jpeg")
    assert base64.b64decode(answer["data"][0]["b64_json"]) == fox.read_bytes()
    assert answer["output_format"] == "jpeg"
    data = ask(mock, prompt="two", n=3)["data"]
    assert data == [{"b64_json": "QUJD"}, *[{"revised_prompt": "better", "b64_json": "REVG"}] * 2]
    assert ask(mock, prompt="far", model=DALL_E_2)["data"] == [{"url": "https://example.com/.png"}]
    hosted = ask(mock, prompt="fox", model=DALL_E_2)["data"][0]["url"]
    response = fetch(hosted)
    assert (response.headers["content-type"], response.content) == ("image/jpeg", fox.read_bytes())
    streamed = post(mock, {"model": GPT, "prompt": "fox", "stream": True, "partial_images": 1}, "/images/generations").text
    assert [event["b64_json"] for event in events(streamed)] == [answer["data"][0]["b64_json"]] * 2
    assert refusal(mock, prompt="far", stream=True)["code"] == "no_image_bytes"
    fox.unlink()
    failed = post(mock, {"model": GPT, "prompt": "fox"}, "/images/generations")
    assert (failed.status_code, "fox.jpg" in failed.json()["error"]["message"]) == (500, True)


def test_an_include_names_files_relative_to_itself(serve, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.bin").write_bytes(b"data")
    (tmp_path / "sub" / "rules.yaml").write_text("responses: [{when: {text: fox}, reply: {image: {file: a.bin}}}]")
    (tmp_path / "mock.yaml").write_text("include: sub/rules.yaml")
    assert ask(serve(tmp_path / "mock.yaml"), prompt="fox")["data"] == [{"b64_json": base64.b64encode(b"data").decode()}]


def test_a_rule_without_an_image_changes_the_rest(serve):
    rule = {"when": {"endpoint": "images.generations"}, "reply": {"content": "x", "usage": {"output_tokens": 7}, "created": 5}}
    answer = ask(serve([rule]))
    assert picture(answer["data"][0]["b64_json"]).size == (1024, 1024)
    assert (answer["created"], answer["usage"]["output_tokens"]) == (5, 7)


def test_extra_members_reach_whole_and_streamed_answers(serve):
    mock = serve([{"when": {}, "reply": {"extra": {"quality": "high", "usage": {"output_tokens": 9}}}}])
    assert (ask(mock)["quality"], ask(mock)["usage"]["output_tokens"]) == ("high", 9)
    text = post(mock, {"model": GPT, "prompt": "fox", "stream": True, "partial_images": 1}, "/images/generations").text
    first, last = events(text)
    assert (first["quality"], "usage" in first) == ("high", False)
    assert (last["quality"], last["usage"]["output_tokens"]) == ("high", 9)


@pytest.mark.parametrize(
    "reply", [{"error": 429}, {"error": "content_policy_violation"}, {"fail": {"error": 500}}, {"status": 418, "body": "no"}]
)
def test_errors_of_rules_reach_image_requests(serve, reply):
    mock = serve([{"when": {"endpoint": "images.generate"}, "reply": reply}])
    assert post(mock, {"model": GPT, "prompt": "fox"}, "/images/generations").status_code >= 400


def test_the_model_error_has_the_words_of_image_endpoints(serve):
    mock = serve([{"when": {"model": "dall-e-9"}, "reply": {"error": "model_not_found"}}])
    error = {"message": "The model 'dall-e-9' does not exist.", "type": "image_generation_user_error"}
    assert refusal(mock, model="dall-e-9") == {**error, "param": "model", "code": "invalid_value"}


def test_a_fault_cuts_a_stream_of_images(serve, client):
    mock = serve([{"when": {}, "reply": {"fault": {"kind": "error_event", "after": 1}}}])
    stream = client(mock).images.generate(model=GPT, prompt="fox", stream=True, partial_images=1)
    assert next(iter(stream)).type == "image_generation.partial_image"
    with pytest.raises(openai.APIError, match="server had an error"):
        list(stream)


def test_pace_delays_the_events(serve):
    mock = serve([{"when": {}, "reply": {"pace": {"ttft": 1, "tps": 1_000_000}}}])
    post(mock, {"model": GPT, "prompt": "fox", "stream": True, "partial_images": 1}, "/images/generations")
    first, second = mock.exchanges[-1].chunks
    assert first == pytest.approx(0.001)
    assert second - first == pytest.approx(528 / 1_000_000)


# What is refused


@pytest.mark.parametrize(
    ("body", "message", "param", "code"),
    [
        (
            {"prompt": ""},
            "Invalid 'prompt': empty string. Expected a string with minimum length 1, but got an empty string instead.",
            "prompt",
            "empty_string",
        ),
        ({"quality": "x"}, "Invalid value: 'x'. Supported values are: 'low', 'medium', 'high', and 'auto'.", "quality",
         "invalid_value"),
        ({"background": "x"}, "Invalid value: 'x'. Supported values are: 'transparent', 'opaque', and 'auto'.", "background",
         "invalid_value"),
        ({"output_format": "x"}, "Invalid value: 'x'. Supported values are: 'png', 'webp', and 'jpeg'.", "output_format",
         "invalid_value"),
        ({"size": "3x3"}, "Invalid size '3x3'. Supported sizes are 1024x1024, 1024x1536, 1536x1024, and auto.", "size",
         "invalid_value"),
        ({"model": "gpt-image-2", "size": "3x3"}, "Invalid size '3x3'. Width and height must both be divisible by 16.", "size",
         "invalid_value"),
        ({"model": DALL_E_3, "size": "256x256"}, "The size is not supported by this model.", None, "invalid_size"),
        ({"model": DALL_E_3, "n": 2}, "You must provide n=1 for this model.", None, "invalid_n"),
        ({"n": 11}, "Invalid 'n': integer above maximum value. Expected a value <= 10, but got 11 instead.", "n",
         "integer_above_max_value"),
        ({"output_compression": 50}, "Compression less than 100 is not supported for PNG output format", "output_compression",
         "invalid_png_output_compression"),
    ],
)  # fmt: skip
def test_what_the_api_refuses(serve, body, message, param, code):
    error = refusal(serve([]), **body)
    assert (error["message"], error["param"], error["code"]) == (message, param, code)
    is_users = code == "invalid_png_output_compression" or param == "size"
    assert error["type"] == ("image_generation_user_error" if is_users else "invalid_request_error")


@pytest.mark.parametrize(
    "body",
    [
        {"model": DALL_E_2, "size": "3x3"},
        {"model": DALL_E_3, "quality": "high"},
        {"model": DALL_E_2, "prompt": "x" * 1001},
        {"prompt": "x" * 32_001},
        {"model": "gpt-image-2", "size": "16x64"},
        {"model": "gpt-image-2", "size": "4000x4000"},
        {"model": "other", "size": "wide"},
        {"output_format": "jpeg", "background": "transparent"},
        {"partial_images": 4},
        {"prompt": 7},
    ],
)
def test_more_of_what_the_api_refuses(serve, body):
    assert refusal(serve([]), **body)["message"]


@pytest.mark.parametrize("output", ["jpeg", "webp", "gif", "svg"])
def test_other_formats_need_a_file(serve, output):
    error = refusal(serve([]), output_format=output)
    assert (error["param"], error["code"]) == ("output_format", "unsupported_output_format")
    assert "image: {file: PATH}" in error["message"]


def test_lint_finds_parameters_that_the_model_does_not_know(serve):
    mock = serve({"lint": "error"})
    assert refusal(mock, response_format="url") == {
        "message": "Unknown parameter: 'response_format'.",
        "type": "invalid_request_error",
        "param": "response_format",
        "code": "unknown_parameter",
    }
    assert refusal(mock, model=DALL_E_2, quality="standard")["message"] == "Unknown parameter: 'quality'."
    assert post(mock, {"model": "my-deployment", "prompt": "x", "style": "vivid"}, "/images/generations").status_code == 200
