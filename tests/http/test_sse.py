"""Recognizing the last event of a stream that arrives in pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openaimock.http.sse import LastEvent

STREAMS = {
    "chat": b'data: {"id":"1"}\n\ndata: [DONE]\n\n',
    "responses": b'event: response.created\ndata: {}\n\nevent: response.completed\ndata: {"n":"%s"}\n\n' % (b"x" * 200),
    "carriage returns": b'data: {"id":"1"}\r\n\r\ndata: [DONE]\r\n\r\n',
    "speech": b'data: {"type":"speech.audio.delta"}\n\ndata: {"type":"speech.audio.done","usage":{}}\n\n',
}


@pytest.mark.parametrize("name", STREAMS)
@given(data=st.data())
def test_only_the_last_piece_ends_a_stream(name, data):
    stream = STREAMS[name]
    cuts = sorted(data.draw(st.sets(st.integers(1, len(stream) - 1))))
    pieces = [stream[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    last_event = LastEvent()
    ends = [last_event.ends(piece) for piece in pieces]
    assert ends == [False] * (len(pieces) - 1) + [True]


def test_an_event_that_never_ends_takes_no_memory():
    last_event = LastEvent()
    assert not any(last_event.ends(b"data: " + b"x" * 100_000) for _ in range(100))
    assert len(last_event._rest) < 100
    assert not last_event.ends(b"\n\n")
    assert last_event.ends(b"data: [DONE]\n\n")
