"""Search of vector stores: scores, filters, options, queries."""

from __future__ import annotations

import json

import pytest
from openai.types import VectorStoreSearchResponse

from openaimock.api.vector_stores import search
from openaimock.api.vector_stores.search import rewritten

from ...support.wire import post, strictly


def find(mock, store, query, **parameters):
    """The body of a search, checked."""
    answer = post(mock, {"query": query, **parameters}, f"/vector_stores/{store.id}/search")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    for item in body["data"]:
        strictly(VectorStoreSearchResponse, item)
    return body


def names(body):
    return [item["filename"] for item in body["data"]]


def test_the_best_chunk_comes_first(mock, store):
    body = find(mock, store, "What is the capital of France?")
    assert (body["object"], body["search_query"]) == ("vector_store.search_results.page", ["What is the capital of France?"])
    assert (body["has_more"], body["next_page"]) == (False, None)
    assert names(body) == ["paris.txt", "banana.md"]
    best, other = (item["score"] for item in body["data"])
    assert 1 >= best > 2 * other >= 0
    assert body["data"][0]["content"][0]["text"].startswith("Paris is the capital")
    assert names(find(mock, store, "yellow bananas")) == ["banana.md", "paris.txt"]


def test_the_same_search_gives_the_same_bytes(mock, store):
    assert json.dumps(find(mock, store, "capital")) == json.dumps(find(mock, store, "capital"))


def test_several_queries(mock, store):
    body = find(mock, store, ["capital of France", "yellow fruit"])
    assert body["search_query"] == ["capital of France", "yellow fruit"]
    assert min(item["score"] for item in body["data"]) > 0.2


def test_the_number_of_results(mock, store):
    assert len(find(mock, store, "capital", max_num_results=1)["data"]) == 1


def test_the_score_threshold(mock, store):
    assert names(find(mock, store, "capital of France", ranking_options={"score_threshold": 0.3})) == ["paris.txt"]
    assert names(find(mock, store, "capital of France", ranking_options={"ranker": "none", "score_threshold": 1})) == []


def test_a_rewritten_query(mock, store):
    body = find(mock, store, "What is the capital of France?", rewrite_query=True)
    assert body["search_query"] == ["capital France"]
    assert rewritten("What is it?") == "What is it?"


def test_filters(mock, sdk, store):
    paris, banana = sorted(sdk.vector_stores.files.list(store.id), key=lambda file: file.usage_bytes, reverse=True)
    sdk.vector_stores.files.update(paris.id, vector_store_id=store.id, attributes={"topic": "cities", "year": 2020})
    sdk.vector_stores.files.update(banana.id, vector_store_id=store.id, attributes={"topic": "fruit", "year": 2024})
    cities = {"type": "eq", "key": "topic", "value": "cities"}
    body = find(mock, store, "banana", filters=cities)
    assert names(body) == ["paris.txt"]
    assert body["data"][0]["attributes"] == {"topic": "cities", "year": 2020}
    late = {"type": "gte", "key": "year", "value": 2021}
    assert names(find(mock, store, "Paris", filters={"type": "or", "filters": [cities, late]})) == ["paris.txt", "banana.md"]
    assert names(find(mock, store, "Paris", filters={"type": "and", "filters": [cities, late]})) == []
    found = sdk.vector_stores.search(store.id, query="x", filters={"type": "in", "key": "topic", "value": ["fruit"]})
    assert [item.filename for item in found] == ["banana.md"]


@pytest.mark.parametrize(
    ("parameters", "param"),
    [
        ({}, "query"),
        ({"query": 1}, "query"),
        ({"query": ""}, "query"),
        ({"query": []}, "query"),
        ({"query": "x", "max_num_results": 0}, "max_num_results"),
        ({"query": "x", "max_num_results": 51}, "max_num_results"),
        ({"query": "x", "ranking_options": {"score_threshold": 1.5}}, "ranking_options.score_threshold"),
        ({"query": "x", "ranking_options": {"ranker": "best"}}, "ranking_options.ranker"),
        ({"query": "x", "filters": {"type": "eq", "key": "a"}}, "filters.value"),
        ({"query": "x", "rewrite_query": "yes"}, "rewrite_query"),
    ],
)
def test_wrong_parameters(mock, store, parameters, param):
    answer = post(mock, parameters, f"/vector_stores/{store.id}/search")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_only_the_chunks_with_the_most_words_are_compared(mock, sdk, store, upload, monkeypatch):
    monkeypatch.setattr(search, "CANDIDATES", 1)
    assert names(find(mock, store, "banana")) == ["banana.md"]


def test_a_long_chunk_is_not_cached(mock, sdk, upload):
    sizes = {"type": "static", "static": {"max_chunk_size_tokens": 4096, "chunk_overlap_tokens": 0}}
    text = b"internationalization " * 1000
    long = sdk.vector_stores.create(file_ids=[upload("long.txt", text)], chunking_strategy=sizes)
    assert names(find(mock, long, "internationalization")) == ["long.txt"]


def test_a_rule_scripts_the_results(serve, client):
    item = {"file_id": "file-1", "filename": "a.txt", "score": 0.5, "attributes": {}, "content": []}
    page = {
        "object": "vector_store.search_results.page",
        "search_query": ["x"],
        "data": [item],
        "has_more": False,
        "next_page": None,
    }
    sdk = client(serve([{"when": {"endpoint": "vector_stores.search"}, "reply": {"status": 200, "body": page}}]))
    assert [each.file_id for each in sdk.vector_stores.search("vs_any", query="x")] == ["file-1"]
