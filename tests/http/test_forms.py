"""Forms with files: what clients send, what is too large, and what is broken."""

from __future__ import annotations

import gc
import gzip
import zlib
from io import BytesIO

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from urllib3.filepost import encode_multipart_formdata

from openaimock.errors import APIError
from openaimock.http import forms
from openaimock.http.request import Request

BOUNDARY = "the-boundary"
TYPE = f"multipart/form-data; boundary={BOUNDARY}"


class Socket:
    """An input that cannot seek, as other hosts have it."""

    def __init__(self, data: bytes) -> None:
        self.read = BytesIO(data).read


def request(body: bytes, content_type: str = TYPE, **environ) -> Request:
    whole = {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body), **environ}
    return Request({name: value for name, value in whole.items() if value is not None})


def of_httpx(data=None, files=None) -> Request:
    sent = httpx.Request("POST", "http://host/", data=data, files=files)
    return request(sent.read(), sent.headers["content-type"])


def part(head: str, content: bytes = b"x") -> bytes:
    return f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + content + b"\r\n"


def field(name: str, content: bytes = b"x") -> bytes:
    return part(f'Content-Disposition: form-data; name="{name}"', content)


FILE = part('Content-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain', b"12345")
END = f"--{BOUNDARY}--\r\n".encode()


def refusal(sent: Request) -> APIError:
    with pytest.raises(APIError) as caught:
        sent.form()
    return caught.value


def test_texts_and_files_are_nested_like_json():
    sent = of_httpx(
        {
            "model": "m",
            "timestamp_granularities[]": ["word"],
            "expires_after[anchor]": "created_at",
            "expires_after[seconds]": "3600",
        },
        [("image[]", ("a.png", b"1", "image/png")), ("image[]", ("b.png", b"22", "image/png")), ("mask", ("m.png", b"333"))],
    )
    texts, files = sent.form()
    assert texts == {
        "model": "m",
        "timestamp_granularities": ["word"],
        "expires_after": {"anchor": "created_at", "seconds": "3600"},
    }
    assert [(file.filename, file.content_type, file.size) for file in files["image"]] == [
        ("a.png", "image/png", 1),
        ("b.png", "image/png", 2),
    ]
    assert files["mask"].read() == b"333"


@pytest.mark.parametrize("name", ['say "hi".txt', "naïve 你好.txt", "a;b=c.txt", "back\\slash.txt"])
def test_file_names_of_httpx_arrive_whole(name):
    _, files = of_httpx(files={"file": (name, b"x")}).form()
    assert files["file"].filename in (name, name.replace('"', "%22"))


@pytest.mark.parametrize("name", ["naïve 你好.txt", "plain.txt"])
def test_file_names_of_requests_arrive_whole(name):
    body, content_type = encode_multipart_formdata({"file": (name, b"12")})
    _, files = request(body, content_type).form()
    assert (files["file"].filename, files["file"].size) == (name, 2)


def test_an_encoded_file_name_is_decoded():
    head = "Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''na%C3%AFve.txt"
    _, files = request(part(head) + END).form()
    assert files["file"].filename == "naïve.txt"


def test_a_quoted_boundary_and_a_type_in_capitals():
    texts, _ = request(field("a") + END, f'Multipart/Form-Data; charset=utf-8; boundary="{BOUNDARY}"').form()
    assert texts == {"a": "x"}


def test_an_empty_file_is_a_file():
    _, files = (sent := of_httpx(files={"file": ("empty.txt", b"")})).form()
    assert sent.memory == 0
    assert files["file"].read() == b""


@pytest.mark.parametrize(
    "environ",
    [
        {"wsgi.input": Socket(FILE + END)},
        {"wsgi.input": Socket(FILE + END), "CONTENT_LENGTH": None, "wsgi.input_terminated": True},
        {"CONTENT_LENGTH": None, "wsgi.input_terminated": True},
    ],
    ids=["a socket", "chunked", "a file of unknown length"],
)
def test_bodies_of_other_hosts(environ):
    sent = request(FILE + END, **environ)
    assert sent.form()[1]["file"].read() == b"12345"
    assert sent.wire == FILE + END


def test_a_large_file_is_on_disk_and_complete():
    content = bytes(range(256)) * 8192
    _, files = (sent := of_httpx(files={"file": ("a.bin", content)})).form()
    assert b"".join(files["file"].chunks()) == content
    assert sent.memory == 0


def test_a_file_may_contain_what_looks_like_a_boundary():
    content = f"--{BOUNDARY}x\r\n--{BOUNDARY[:-1]}\r\n\r\n--".encode()
    sent = request(part('Content-Disposition: form-data; name="file"; filename="a"', content) + END)
    _, files = sent.form()
    assert files["file"].read() == content


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from(["a", "b"]), st.binary(max_size=200) | st.sampled_from([b"\r\n--", b"\r" * 70, b"--\n"])))
)
def test_every_byte_of_every_file_arrives(parts):
    sent = of_httpx({"x": "y"}, [("c", ("c", b"")), *((f"{name}[]", (name, content)) for name, content in parts)])
    _, files = sent.form()
    for name in ("a", "b"):
        assert [file.read() for file in files.get(name, [])] == [content for part_name, content in parts if part_name == name]


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "x-gzip", "identity"])
def test_a_compressed_form(encoding):
    body = FILE + END
    packed = {"deflate": zlib.compress(body), "identity": body}.get(encoding) or gzip.compress(body)
    sent = request(packed, HTTP_CONTENT_ENCODING=encoding)
    assert sent.form()[1]["file"].read() == b"12345"
    assert sent.wire == packed


def test_the_bytes_go_with_the_request():
    sent = of_httpx(files={"file": ("a.txt", b"12345")})
    _, files = sent.form()
    environ = sent.environ
    del sent
    gc.collect()
    assert environ["wsgi.input"].read() == b""
    with pytest.raises(ValueError, match="while its request is answered"):
        files["file"].read()


BROKEN = {
    "no boundary": (FILE + END, "multipart/form-data"),
    "a wrong boundary": (FILE + END, "multipart/form-data; boundary=other"),
    "a long boundary": (FILE + END, "multipart/form-data; boundary=" + "x" * 71),
    "a boundary that is not ASCII": (FILE + END, "multipart/form-data; boundary=é"),
    "an empty body": (b"", TYPE),
    "no end": (FILE, TYPE),
    "an end in the middle of a file": (FILE[:-4], TYPE),
    "an end in the head of a part": (FILE[:40], TYPE),
    "no disposition": (part("Content-Type: text/plain") + END, TYPE),
    "no name": (part("Content-Disposition: form-data") + END, TYPE),
    "a head that is not UTF-8": (field("a").replace(b'"a"', b'"\xff"') + END, TYPE),
    "a text that is not UTF-8": (field("a", b"\xff") + END, TYPE),
}


@pytest.mark.parametrize(("body", "content_type"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_form_is_a_clear_400(body, content_type):
    error = refusal(request(body, content_type))
    assert error.status == 400
    assert error.message.startswith("Could not parse multipart form. ")
    assert error.message.endswith(".")


@pytest.mark.parametrize("length", ["x", "-1", "²"])
def test_a_wrong_length_is_400(length):
    assert refusal(request(FILE + END, CONTENT_LENGTH=length)).status == 400


def test_a_body_shorter_than_its_length_is_400():
    assert "ended after" in refusal(request(FILE + END, CONTENT_LENGTH="10000")).message


def test_a_body_of_unknown_length_that_never_comes_is_400():
    assert refusal(request(b"", CONTENT_LENGTH=None)).status == 400


def test_another_content_type_is_415():
    error = refusal(request(b"{}", "application/json"))
    assert (error.status, "'multipart/form-data'" in error.message) == (415, True)


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [("gzip", b"no", 400), ("gzip", gzip.compress(FILE + END, mtime=0)[:-9], 400), ("deflate", b"\x00", 400), ("br", b"x", 415)],
)
def test_a_wrong_encoding_is_4xx(encoding, body, status):
    assert refusal(request(body, HTTP_CONTENT_ENCODING=encoding)).status == status


def test_what_is_too_large_is_413(monkeypatch):
    monkeypatch.setattr(forms, "MAX_FILE", 4)
    assert refusal(request(FILE + END)).status == 413
    monkeypatch.setattr(forms, "MAX_TEXT", 10)
    assert refusal(request(field("a", b"x" * 11) + END)).status == 413
    monkeypatch.setattr(forms, "MAX_TEXTS", 12)
    assert refusal(request(field("a", b"x" * 7) * 2 + END)).status == 413
    assert refusal(request(field("a") * 201 + END)).status == 413


def test_a_form_past_the_limit_is_413(monkeypatch):
    monkeypatch.setattr("openaimock.http.request.MAX_FORM", 1000)
    monkeypatch.setattr(
        Request, "__init__", lambda self, environ: (setattr(self, "environ", environ), setattr(self, "max_body", 10))[0]
    )
    large = field("a", b"x" * 1001) + END
    assert refusal(request(large)).status == 413
    assert (
        refusal(request(large, **{"wsgi.input": Socket(large), "CONTENT_LENGTH": None, "wsgi.input_terminated": True})).status
        == 413
    )
    assert refusal(request(gzip.compress(large), HTTP_CONTENT_ENCODING="gzip")).status == 413


def test_a_small_packed_form_does_not_unpack_to_a_large_one():
    packed = gzip.compress(part('Content-Disposition: form-data; name="file"; filename="a"', b"x" * 400_000) + END)
    sent = request(packed, HTTP_CONTENT_ENCODING="gzip")
    assert sent.form()[1]["file"].size == 400_000
    sent.max_body = 1000
    refused = refusal(sent)
    assert refused.status == 413
    assert f"more than {100 * len(packed)} bytes" in refused.message


def test_a_large_text_without_its_boundary_is_400():
    assert "boundary" in refusal(request(b"x" * (forms.MAX_TEXT + forms.CHUNK + 1))).message
