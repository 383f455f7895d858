"""instructor: typed replies by tools, by schema and over Responses, in part and after a second try."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from .conftest import PERSON, RULES, person_by

instructor = pytest.importorskip("instructor", reason="instructor is not installed: scripts/clients installs it")
from openai import OpenAI  # noqa: E402

JANE = [{"role": "user", "content": "Who is Jane?"}]


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


@pytest.fixture
def rules():
    def call(**arguments):
        return {"tool_calls": [{"name": "Person", "arguments": arguments}]}

    twice = {"id": "twice", "when": {"message": {"contains": "John"}}, "replies": [call(name="John"), call(name="John", age=7)]}
    # Objects in part are asked for by another name.
    return [*RULES, person_by("Person"), person_by("PartialPerson"), twice]


@pytest.fixture(params=["TOOLS", "JSON_SCHEMA", "RESPONSES_TOOLS"])
def client(request, mock):
    with OpenAI(max_retries=0) as client:
        yield instructor.from_openai(client, mode=instructor.Mode[request.param])


def test_structured_output_parses(client):
    assert client.create(model="gpt-4o", messages=JANE, response_model=Person).model_dump() == PERSON


def test_stream_of_partial_objects_ends_in_the_whole(client):
    *_, last = client.create_partial(model="gpt-4o", messages=JANE, response_model=Person)
    assert last.model_dump() == PERSON


def test_invalid_reply_is_asked_for_again(mock):
    with OpenAI(max_retries=0) as plain:
        client = instructor.from_openai(plain)
        asked = [{"role": "user", "content": "Who is John?"}]
        found = client.create(model="gpt-4o", messages=asked, response_model=Person, max_retries=2)
    assert found.model_dump() == {"name": "John", "age": 7}
