"""Image edits and variations through the official client, other clients' forms, and as the wire has them."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import subprocess

import httpx
import openai
import pytest
import requests
from openai import AzureOpenAI
from openai.types import ImageEditStreamEvent, ImagesResponse
from PIL import Image

import openaimock

from ...support.wire import events, post, strictly

GPT, DALL_E = "gpt-image-1.5", "dall-e-2"


def image(mode="RGB", size=(128, 128), format="PNG", colour=0):
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, format)
    return file.getvalue()


PNG = image()


def send(mock, path="/images/edits", files=None, **fields):
    files = [("image", ("cat.png", PNG, "image/png"))] if files is None else files
    with httpx.Client(trust_env=False, verify=False) as http:
        return http.post(mock.url + path, data={"model": GPT, "prompt": "add a hat", **fields}, files=files)


def ask(mock, **fields):
    response = send(mock, **fields)
    assert response.status_code == 200, response.text
    return response.json()


def vary(mock, files=None, **fields):
    with httpx.Client(trust_env=False, verify=False) as http:
        return http.post(f"{mock.url}/images/variations", data=fields, files=files or {"image": ("cat.png", PNG)})


def refusal(response, status=400):
    assert response.status_code == status, response.text
    return response.json()["error"]


@pytest.fixture(scope="module")
def shared():
    with openaimock.start_mock_server({"responses": []}) as mock:
        yield mock


# Edits


def test_an_edit_is_drawn_from_the_prompt_and_the_image(shared):
    answer = strictly(ImagesResponse, ask(shared))
    assert Image.open(io.BytesIO(base64.b64decode(answer.data[0].b64_json))).size == (1024, 1024)
    assert (answer.usage.input_tokens_details.image_tokens, answer.usage.output_tokens) == (194, 1056)
    assert ask(shared)["data"] == ask(shared)["data"]
    other = ask(shared, files=[("image", ("cat.png", image(colour=200)))])
    assert other["data"][0]["b64_json"] != answer.data[0].b64_json


def test_several_images_and_a_mask(shared):
    files = [
        ("image[]", ("a.png", PNG, "image/png")),
        ("image[]", ("b.webp", image(format="WEBP"), "image/webp")),
        ("image[]", ("c.jpg", image(format="JPEG"), "image/jpeg")),
        ("mask", ("mask.png", image("RGBA"), "image/png")),
    ]
    answer = ask(shared, files=files, input_fidelity="high", n="2", size="1536x1024", background="transparent")
    assert (len(answer["data"]), answer["usage"]["input_tokens_details"]["image_tokens"]) == (2, 3 * 194)
    body = shared.exchanges[-1].ask.body
    assert (body["image"], body["mask"], body["n"]) == (["a.png", "b.webp", "c.jpg"], "mask.png", 2)


def test_a_json_body_refers_to_images(shared, client):
    data = "data:image/png;base64," + base64.b64encode(PNG).decode()
    body = {"model": GPT, "prompt": "green", "images": [{"image_url": data}, {"image_url": "https://example.com/a.png"}]}
    answer = post(shared, body, "/images/edits").json()
    assert strictly(ImagesResponse, answer).usage.input_tokens_details.image_tokens == 194 + 65 + 129
    file = client(shared).files.create(file=("a.png", PNG), purpose="vision")
    body["images"] = [{"file_id": file.id}]
    assert post(shared, body, "/images/edits").json()["usage"]["input_tokens_details"]["image_tokens"] == 194


def test_a_stream_of_an_edit(shared):
    *partials, last = [
        strictly(ImageEditStreamEvent, event) for event in events(send(shared, stream="true", partial_images="1").text)
    ]
    assert [event.type for event in partials] == ["image_edit.partial_image"]
    assert last.type == "image_edit.completed"
    assert last.b64_json == ask(shared)["data"][0]["b64_json"]
    assert last.usage.input_tokens_details.image_tokens == 194


def test_dall_e_2_edits_answer_with_an_address(shared):
    url = ask(shared, model=DALL_E, size="256x256")["data"][0]["url"]
    assert httpx.get(url, trust_env=False).headers["content-type"] == "image/png"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the client says that variations are gone
def test_the_clients_edit_and_vary(shared, client, async_client):
    sdk = client(shared)
    edited = sdk.images.edit(model=GPT, prompt="hat", image=[("a.png", PNG), ("b.png", PNG)], mask=("m.png", image("RGBA")))
    assert edited.usage.input_tokens_details.image_tokens == 2 * 194
    last = list(sdk.images.edit(model=GPT, prompt="hat", image=("a.png", PNG), stream=True, partial_images=2))[-1]
    assert last.type == "image_edit.completed"
    varied = sdk.images.create_variation(image=("a.png", PNG), n=2, size="512x512")
    assert len({image.url for image in varied.data}) == 2

    async def all_of_them():
        async with async_client(shared) as sdk:
            edited = await sdk.images.edit(model=GPT, prompt="hat", image=("a.png", PNG))
            stream = await sdk.images.edit(model=GPT, prompt="hat", image=("a.png", PNG), stream=True)
            last = [event async for event in stream][-1]
            varied = await sdk.images.create_variation(image=("a.png", PNG), response_format="b64_json")
            return edited.data[0].b64_json == last.b64_json, bool(varied.data[0].b64_json)

    assert asyncio.run(all_of_them()) == (True, True)


def test_requests_curl_and_azure_send_forms(shared, tmp_path):
    session = requests.Session()
    session.trust_env = False
    files = [("image[]", ("größe.png", PNG)), ("image[]", ("b.png", PNG))]
    answer = session.post(f"{shared.url}/images/edits", data={"model": GPT, "prompt": "hat"}, files=files).json()
    assert answer["usage"]["input_tokens_details"]["image_tokens"] == 2 * 194
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    command = ["curl", "-s", "--noproxy", "*", f"{shared.url}/images/edits", "-F", f"image[]=@{path}", "-F", "prompt=hat"]
    assert json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["quality"] == "medium"
    with AzureOpenAI(
        azure_endpoint=shared.url.removesuffix("/v1"), api_key="k", api_version="2025-04-01-preview", max_retries=0
    ) as azure:
        assert azure.images.edit(model="my-image", prompt="hat", image=("a.png", PNG)).data[0].b64_json
    assert shared.exchanges[-1].ask.model == "my-image"


def test_rules_match_the_prompt_and_the_files(serve):
    mock = serve(
        [
            {"when": {"endpoint": "images.edits", "text": {"contains": "hat"}}, "reply": {"image": {"b64": "QUJD"}}},
            {"when": {"endpoint": "images.edit", "body": {"image": "dog.png"}}, "reply": {"error": 429}},
            {"when": {"endpoint": "images.variations", "text": "cat.png"}, "reply": {"image": {"url": "https://x.test/"}}},
        ]
    )
    assert ask(mock)["data"] == [{"b64_json": "QUJD"}]
    assert send(mock, files=[("image", ("dog.png", PNG))], prompt="x").status_code == 429
    assert vary(mock).json()["data"] == [{"url": "https://x.test/"}]


# Variations


def test_a_variation_is_drawn_from_the_image(shared):
    answer = strictly(ImagesResponse, vary(shared, response_format="b64_json", n="2", size="256x256").json())
    assert len({image.b64_json for image in answer.data}) == 2
    other = vary(shared, files={"image": ("dog.png", image(colour=9))}, response_format="b64_json", size="256x256").json()
    assert other["data"][0]["b64_json"] != answer.data[0].b64_json


# What is refused


@pytest.mark.parametrize(
    ("files", "fields", "message", "param", "code"),
    [
        ([("image", ("a.png", b"no image", "image/png"))], {},
         "Invalid image file or mode for image 1, please check your image file.", "image", "invalid_image_file"),
        ([("image", ("a.png", b"", "image/png"))], {},
         "Invalid image file or mode for image 1, please check your image file.", "image", "invalid_image_file"),
        ([("image", ("a.png", PNG[:-12], "image/png"))], {},
         "Invalid image file or mode for image 1, please check your image file.", "image", "invalid_image_file"),
        ([("image", ("a.jpg", image(format="JPEG")[:-2], "image/jpeg"))], {},
         "Invalid image file or mode for image 1, please check your image file.", "image", "invalid_image_file"),
        ([("image", ("a.webp", image(format="WEBP")[:-2], "image/webp"))], {},
         "Invalid image file or mode for image 1, please check your image file.", "image", "invalid_image_file"),
        ([("image", ("bomb.png", PNG[:16] + b"\x00\x01\x00\x00" * 2 + PNG[24:], "image/png"))], {},
         "Invalid image file or mode for image 1, please check your image file.", "image", "invalid_image_file"),
        ([("image", ("a.gif", image(format="GIF"), "image/gif"))], {},
         "Invalid image file or mode for image 1, please check your image file.", "image", "invalid_image_file"),
        ([("image", ("a.png", PNG)), ("mask", ("m.png", image("RGBA", (64, 64))))], {},
         "Invalid mask image format - mask size (64, 64) does not match image size (128, 128)", "mask",
         "invalid_mask_image_format"),
        ([("image", ("a.png", PNG)), ("mask", ("m.png", PNG))], {},
         "Invalid mask image format - mask image missing alpha channel", "mask", "invalid_mask_image_format"),
        ([("image", ("a.png", PNG)), ("mask", ("m.jpg", image(format="JPEG")))], {},
         "Uploaded mask must be a PNG and less than 4 MB.", "mask", None),
        ([("image", ("a.jpg", image(format="JPEG")))], {"model": DALL_E}, "Uploaded image must be a PNG and less than 4 MB.",
         None, None),
        ([("mask", ("m.png", PNG))], {}, "Missing required parameter: 'image'.", "image", "missing_required_parameter"),
        ([("image", ("a.png", PNG))] * 17, {}, "Invalid 'image': array too long. Expected an array with maximum length 16, but "
         "got an array with length 17 instead.", "image", "array_above_max_length"),
        (None, {"prompt": ""}, "Invalid 'prompt': empty string. Expected a string with minimum length 1, but got an empty string "
         "instead.", "prompt", "empty_string"),
        (None, {"size": "3x3"}, "Invalid size '3x3'. Supported sizes are 1024x1024, 1024x1536, 1536x1024, and auto.", "size",
         "invalid_value"),
        (None, {"n": "many"}, "Invalid type for 'n': expected an integer, but got a string instead.", "n", "invalid_type"),
    ],
)  # fmt: skip
def test_what_an_edit_refuses(shared, files, fields, message, param, code):
    error = refusal(send(shared, files=files, **fields))
    assert (error["message"], error["param"], error["code"]) == (message, param, code)


def test_a_picture_of_gigabytes_is_refused_without_being_unpacked(shared):
    bomb = bytearray(PNG)
    bomb[16:24] = (100_000).to_bytes(4, "big") * 2
    assert send(shared, files=[("image", ("bomb.png", bytes(bomb)))]).status_code == 400


@pytest.mark.parametrize(
    ("reference", "param", "status"),
    [
        ({"image_url": "data:image/svg+xml;base64,PHN2Zy8+"}, "images[0].image_url", 400),
        ({"image_url": "data:image/png;base64,!!!!"}, "images[0].image_url", 400),
        ({"image_url": "cat.png"}, "images[0].image_url", 400),
        ({}, "images[0].image_url", 400),
        ({"file_id": "file-none"}, "id", 404),
    ],
)
def test_references_that_are_refused(shared, reference, param, status):
    response = post(shared, {"prompt": "x", "images": [reference]}, "/images/edits")
    assert refusal(response, status)["param"] == param


def test_a_file_that_is_no_image_cannot_be_edited(shared, client):
    file = client(shared).files.create(file=("a.txt", b"text"), purpose="vision")
    error = refusal(post(shared, {"prompt": "x", "images": [{"file_id": file.id}]}, "/images/edits"))
    assert (error["message"], error["param"]) == ("Invalid image data.", "images[0].file_id")


@pytest.mark.parametrize(
    ("files", "fields", "message"),
    [
        ({"image": ("a.png", image(size=(64, 32)))}, {}, "Uploaded image must be square."),
        ({"image": ("a.png", b"no")}, {}, "Uploaded image must be a PNG and less than 4 MB."),
        ({"other": ("a.png", PNG)}, {}, "Missing required parameter: 'image'."),
        ([("image", ("a.png", PNG))] * 2, {}, "Invalid 'image': expected one file, but got several instead."),
        (None, {"size": "3x3"}, "Invalid value: '3x3'. Supported values are: '256x256', '512x512', '1024x1024', '1024x1792', and "
         "'1792x1024'."),
    ],
)  # fmt: skip
def test_what_a_variation_refuses(shared, files, fields, message):
    assert refusal(vary(shared, files, **fields))["message"] == message


def test_a_broken_form_is_refused(shared):
    headers = {"content-type": "multipart/form-data; boundary=x"}
    with httpx.Client(trust_env=False, verify=False) as http:
        response = http.post(f"{shared.url}/images/edits", content=b"--y\r\n\r\nhello", headers=headers)
    assert "Could not parse multipart form" in refusal(response)["message"]


def test_the_sdk_raises_for_a_file_that_is_no_image(shared, client):
    with pytest.raises(openai.BadRequestError, match="Invalid image file"):
        client(shared).images.edit(model=GPT, prompt="hat", image=("a.png", b"nothing"))


@pytest.mark.parametrize(
    ("path", "field", "place"),
    [("edits", "image", "image"), ("edits", "image[]", "image[0]"), ("edits", "mask", "mask"), ("variations", "image", "image")],
)
def test_a_text_in_place_of_a_file_is_refused(shared, path, field, place):
    error = refusal(send(shared, f"/images/{path}", files=[("x", b"x")], **{field: "cat.png"}))
    assert error["message"] == f"Invalid type for '{place}': expected a file, but got a string instead."
    assert (error["param"], error["code"]) == (place, "invalid_type")


def test_several_masks_are_refused(shared):
    mask = ("mask", ("mask.png", image("RGBA"), "image/png"))
    error = refusal(send(shared, files=[("image", ("cat.png", PNG, "image/png")), mask, mask]))
    assert error["message"] == "Invalid 'mask': expected one file, but got several instead."


def data_url(data):
    return {"image_url": f"data:image/png;base64,{base64.b64encode(data).decode()}"}


@pytest.mark.parametrize(
    ("mask", "status", "message"),
    [
        ({"file_id": "file-none"}, 404, "No such File object: file-none"),
        (data_url(image("RGB", format="JPEG")), 400, "Uploaded mask must be a PNG and less than 4 MB."),
        (
            data_url(image("RGBA", (64, 64))),
            400,
            "Invalid mask image format - mask size (64, 64) does not match image size (128, 128)",
        ),
        (data_url(PNG), 400, "Invalid mask image format - mask image missing alpha channel"),
        (data_url(image("RGBA")), 200, ""),
        ({"image_url": "https://example.com/mask.png"}, 200, ""),
    ],
)
def test_the_mask_of_a_json_body(shared, mask, status, message):
    answer = post(shared, {"prompt": "x", "images": [data_url(PNG)], "mask": mask}, "/images/edits")
    assert answer.status_code == status, answer.text
    assert answer.json().get("error", {}).get("message", "") == message
