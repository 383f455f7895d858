"""Pictures drawn from a prompt, decoded by Pillow."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from openaimock.media.images import image_info
from openaimock.media.png import picture, progression

SIZES = [(256, 256), (512, 512), (1024, 1024), (1024, 1792), (1792, 1024), (1024, 1536), (1536, 1024), (1536, 864), (4096, 4096)]


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()  # decodes all pixels and checks the checksums
    return image


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_picture_has_the_size_that_is_asked_for(size):
    image = opened(picture("a red cat", *size))
    assert (image.format, image.size) == ("PNG", size)


def test_an_opaque_picture_is_rgb_and_a_transparent_one_rgba():
    assert opened(picture("a cat", 256, 256)).mode == "RGB"
    assert opened(picture("a cat", 256, 256, transparent=True)).mode == "RGBA"


def test_a_transparent_picture_has_transparent_and_opaque_pixels():
    alphas = opened(picture("a cat", 256, 256, transparent=True)).getchannel("A").getcolors()
    assert {alpha for _, alpha in alphas} == {0, 255}


def test_the_same_prompt_draws_the_same_picture_and_another_prompt_another():
    assert picture("a cat", 256, 256) == picture("a cat", 256, 256)
    assert picture("a cat", 256, 256) != picture("a dog", 256, 256)


def test_a_prompt_draws_the_same_shapes_at_every_size():
    small = opened(picture("a cat", 64, 64))
    large = opened(picture("a cat", 512, 512)).resize((64, 64), Image.Resampling.NEAREST)
    pairs = list(zip(small.tobytes(), large.tobytes(), strict=True))
    assert sum(left == right for left, right in pairs) > 0.9 * len(pairs)


@pytest.mark.parametrize("partials", [0, 1, 2, 3])
def test_a_progression_has_the_partial_images_and_then_the_picture(partials):
    files = list(progression("a cat", 512, 256, partials))
    assert len(files) == partials + 1
    assert files[-1] == picture("a cat", 512, 256)
    assert {opened(data).size for data in files} == {(512, 256)}


def test_each_partial_image_is_closer_to_the_picture_than_the_one_before():
    *partials, final = (opened(data).tobytes() for data in progression("a cat in a hat", 512, 512, 3, transparent=True))
    errors = [sum(left != right for left, right in zip(data, final, strict=True)) for data in partials]
    assert errors == sorted(errors, reverse=True) and errors[-1] > 0


def test_a_large_picture_is_a_small_file():
    assert len(picture("a cat", 1024, 1024)) < 100_000
    assert len(picture("a cat", 4096, 4096, transparent=True)) < 1_000_000


@pytest.mark.parametrize("size", [(0, 256), (256, -1), (4097, 256)])
def test_a_size_out_of_range_is_an_error(size):
    with pytest.raises(ValueError, match=f"the size {size[0]}x{size[1]} is not within"):
        picture("a cat", *size)
    with pytest.raises(ValueError, match="is not within"):
        progression("a cat", *size, 1)


@pytest.mark.parametrize("partials", [-1, 4])
def test_a_number_of_partial_images_out_of_range_is_an_error_at_once(partials):
    with pytest.raises(ValueError, match=f"the number of partial images is {partials}"):
        progression("a cat", 256, 256, partials)


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=20), st.integers(1, 90), st.integers(1, 90), st.booleans())
def test_every_text_and_size_makes_a_readable_picture(text, width, height, transparent):
    for data in progression(text, width, height, 2, transparent=transparent):
        assert opened(data).size == (width, height)
        assert image_info(data) == ("png", width, height, transparent)
