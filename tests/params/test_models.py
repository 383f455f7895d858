"""The model table answers what the API does with a model, for every name that a request may have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openaimock.config.names import ENDPOINTS, MODELS
from openaimock.params import model_families, model_history, model_media, models
from openaimock.params.models import Model, Patches, Tiles, family, overlay

FAMILIES = (*model_families.FAMILIES, *model_media.FAMILIES)
NAMES = sorted({part for row in FAMILIES for word in row.names.split() for part in word.split("=")})


@pytest.mark.parametrize(
    ("alias", "snapshot"),
    [
        ("gpt-4o", "gpt-4o-2024-08-06"),
        ("gpt-3.5-turbo", "gpt-3.5-turbo-0125"),
        ("gpt-4-turbo-preview", "gpt-4-0125-preview"),
        ("gpt-5.4-nano", "gpt-5.4-nano-2026-03-17"),
        ("gpt-5.6", "gpt-5.6-sol"),
        ("gpt-audio-mini", "gpt-audio-mini-2025-12-15"),
        ("o1-pro", "o1-pro-2025-03-19"),
        ("davinci-002", "davinci:2023-07-21-v2"),
        ("text-embedding-ada-002", "text-embedding-ada-002-v2"),
        ("text-moderation-latest", "text-moderation-007"),
    ],
)
def test_an_alias_is_answered_with_its_snapshot(alias: str, snapshot: str) -> None:
    assert family(alias).snapshot == snapshot


@pytest.mark.parametrize(
    "name", ["gpt-4o-2024-11-20", "gpt-5.6-terra", "chatgpt-4o-latest", "gpt-5-codex", "omni-moderation-latest"]
)
def test_a_snapshot_and_a_moving_name_are_echoed(name: str) -> None:
    assert family(name).snapshot == name


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("gpt-4o-2031-01-01", "gpt-4o"),
        ("gpt-4o-mini-experimental", "gpt-4o-mini"),
        ("gpt-5-nano-x", "gpt-5-nano"),
        ("gpt-5.9-sol", "gpt-5.6-sol"),
        ("gpt-7-astra", "gpt-6.2-astra"),
        ("o5-mini", "o3"),
        ("gpt-35-turbo", "gpt-3.5-turbo"),
        ("openai/gpt-4.1", "gpt-4.1"),
        ("ft:gpt-4o-mini-2024-07-18:acme::abc", "gpt-4o-mini"),
        ("openai/ft:o4-mini-2025-04-16:acme::abc", "o4-mini"),
        ("davinci:ft-acme-2023-05-03", "davinci"),
    ],
)
def test_a_longer_or_fine_tuned_name_has_the_facts_of_its_family_and_is_echoed(name: str, like: str) -> None:
    assert family(name) == family(like)._replace(id=name, snapshot=name)


@pytest.mark.parametrize(
    "name", ["my-deployment", "gpt-4omni", "llama-3.3-70b", "gpt-oss-120b", "", "ft:", "x" * 10_000, "o", "gpt-"]
)
def test_any_other_name_is_echoed_and_nothing_is_known_about_it(name: str) -> None:
    model = family(name)
    assert model == Model(id=name, snapshot=name)
    assert not model.known and model.reasons is None and model.serves("chat") and model.serves("embeddings")


@given(st.sampled_from(NAMES), st.sampled_from(["", "-", "_", ":", "@", ".", "x", "-mini", "-2030-01-01"]), st.text(max_size=8))
def test_the_longest_beginning_that_is_a_family_counts(name: str, separator: str, rest: str) -> None:
    """The oracle tries every known beginning; the table tries one look-up for each length."""
    whole = name + separator + rest
    beginnings = {
        word: row for row in FAMILIES for word in (*(part.split("=")[0] for part in row.names.split()), *row.prefixes.split())
    }
    fits = [
        word for word in beginnings
        if whole.startswith(word) and (whole == word or whole[len(word)] in "-_:@+" or word.endswith("."))
    ]  # fmt: skip
    if whole in NAMES or "/" in whole or whole.startswith("ft:"):
        return
    expected = beginnings[max(fits, key=len)].model if fits else Model()
    assert family(whole)._replace(family="", id="", snapshot="") == expected


@given(st.text())
def test_every_text_has_an_answer_that_is_the_same_each_time(name: str) -> None:
    assert family(name) == family(name)
    assert family(name).id == name


def test_the_cache_is_bounded() -> None:
    for number in range(3000):
        family(f"deployment-{number}")
    assert models._cached.cache_info().currsize <= 1024


@pytest.mark.parametrize(
    ("name", "effort", "context", "mode"),
    [
        ("gpt-4.1", None, None, None),
        ("gpt-5-chat-latest", None, None, None),
        ("gpt-5", "medium", "current_turn", "standard"),
        ("gpt-5-pro", "high", "current_turn", "standard"),
        ("gpt-5.2", "none", "current_turn", "standard"),
        ("gpt-5.2-codex", "medium", "current_turn", "standard"),
        ("gpt-5.4-mini", "none", "current_turn", "standard"),
        ("gpt-5.5", "medium", "current_turn", "standard"),
        ("gpt-5.6-luna", "medium", "all_turns", "standard"),
        ("gpt-6-astra", "medium", "all_turns", "standard"),
        ("o3-mini", "medium", "current_turn", "standard"),
    ],
)
def test_the_defaults_of_reasoning(name: str, effort: str | None, context: str | None, mode: str | None) -> None:
    model = family(name)
    assert (model.effort, model.context, model.mode) == (effort, context, mode)


@pytest.mark.parametrize(
    ("name", "responses", "chat"),
    [
        ("o4-mini", "low medium high", "low medium high"),
        ("gpt-5-mini", "minimal low medium high", "minimal low medium high"),
        ("gpt-5.1", "none low medium high", "none low medium high"),
        ("gpt-5.6-sol", "none low medium high xhigh max", "none low medium high xhigh"),
        ("gpt-6-astra", "low medium high xhigh max", "low medium high xhigh"),
        ("gpt-6.1-terra", "none low medium high xhigh max", "none low medium high xhigh"),
    ],
)
def test_the_efforts_that_a_model_accepts(name: str, responses: str, chat: str) -> None:
    assert " ".join(family(name).efforts) == responses
    assert " ".join(family(name).chat_efforts) == chat


@pytest.mark.parametrize(
    ("name", "fingerprint", "logprobs", "service_tier"),
    [
        ("gpt-4o-mini", True, True, True),
        ("gpt-4", False, True, True),
        ("gpt-3.5-turbo", False, True, True),
        ("o3-mini", True, False, True),
        ("o4-mini", False, False, True),
        ("gpt-5", False, False, True),
        ("gpt-audio-mini", True, False, True),
        ("gpt-4o-search-preview", True, False, False),
    ],
)
def test_what_a_chat_completion_has(name: str, fingerprint: bool, logprobs: bool, service_tier: bool) -> None:
    model = family(name)
    assert (model.fingerprint, model.logprobs, model.service_tier) == (fingerprint, logprobs, service_tier)


@pytest.mark.parametrize(
    ("name", "top_p", "retention", "phase"),
    [
        ("gpt-4o", 1.0, "in_memory", False),
        ("gpt-5.1", 1.0, "in_memory", False),
        ("gpt-5.2-pro", 0.98, "24h", False),
        ("gpt-5.3-codex", 0.98, "24h", True),
        ("gpt-5.4-nano", 0.98, "24h", True),
        ("gpt-5.6-terra", 0.98, "24h", True),
    ],
)
def test_what_a_response_has(name: str, top_p: float, retention: str, phase: bool) -> None:
    model = family(name)
    assert (model.top_p, model.prompt_cache_retention, model.phase) == (top_p, retention, phase)


def test_each_endpoint_knows_its_models() -> None:
    assert family("gpt-5-codex").endpoints == {"responses"}
    assert family("gpt-4o-audio-preview").endpoints == {"chat"}
    assert family("gpt-3.5-turbo-instruct").endpoints == {"completions"}
    assert family("gpt-4o-mini-tts").endpoints == {"audio.speech"}
    assert family("gpt-4o-mini-transcribe").endpoints == {"audio.transcriptions"}
    assert family("gpt-4o-realtime-preview").endpoints == {"realtime"}
    assert not family("text-embedding-3-small").serves("chat")


def test_only_completions_and_embeddings_have_a_model_header() -> None:
    assert family("davinci-002").model_header == "davinci:2023-07-21-v2"
    assert family("text-embedding-ada-002").model_header == "text-embedding-ada-002-v2"
    assert family("gpt-4o").model_header is None


def test_images_are_counted_by_tiles_or_by_patches() -> None:
    assert family("gpt-4o").image == Tiles(85, 170)
    assert family("gpt-4o-mini").image == Tiles(2833, 5667)
    assert family("gpt-5-mini").image == Patches(1.2, 1536)
    assert family("gpt-3.5-turbo").image is None


def test_a_model_that_nobody_has_tried_is_not_linted() -> None:
    """The chat variants of 5.1 to 5.3 echo an effort, but what they refuse is not published."""
    model = family("gpt-5.2-chat-latest")
    assert model.effort == "medium" and model.reasons is None


@pytest.mark.parametrize("row", FAMILIES, ids=lambda row: row.names.split()[0])
def test_a_row_is_consistent(row: models.Family) -> None:
    model = row.model
    assert model.endpoints <= {*ENDPOINTS, "realtime"}
    assert (model.effort is None) == (model.context is None) == (model.mode is None)
    assert not model.efforts or model.effort in model.efforts
    assert (model.dimensions is not None) == ("embeddings" in model.endpoints)
    assert model.encoding in ("o200k_base", "cl100k_base")
    assert (model.max_output_tokens or 0) <= (model.context_window or model.max_output_tokens or 0)


def test_no_name_stands_in_two_rows() -> None:
    names = [word.split("=")[0] for row in FAMILIES for word in (*row.names.split(), *row.prefixes.split())]
    assert len(names) == len(set(names))


def test_every_model_of_the_default_list_is_known() -> None:
    assert [name for name in MODELS if not family(name).known] == []


# A user's entries


def test_an_entry_lays_its_facts_over_the_table_for_one_mock() -> None:
    table = overlay([{"id": "gpt-4o", "snapshot": "gpt-4o-2024-11-20", "context_window": 1000, "owned_by": "acme", "tier": 3}])
    model = table.family("gpt-4o")
    assert (model.snapshot, model.context_window, model.max_output_tokens) == ("gpt-4o-2024-11-20", 1000, 16_384)
    assert (model.owned_by, model.extra) == ("acme", {"tier": 3})
    assert table.family("gpt-4.1") == family("gpt-4.1")
    assert family("gpt-4o").snapshot == "gpt-4o-2024-08-06"


def test_an_unknown_id_with_a_known_snapshot_has_the_facts_of_the_snapshot() -> None:
    model = overlay([{"id": "prod-chat", "snapshot": "gpt-5-2025-08-07"}]).family("prod-chat")
    assert (model.id, model.snapshot, model.effort) == ("prod-chat", "gpt-5-2025-08-07", "medium")


def test_an_entry_of_a_base_holds_for_models_tuned_from_it() -> None:
    model = overlay([{"id": "gpt-4.1-mini", "context_window": 500}]).family("ft:gpt-4.1-mini:acme::1")
    assert (model.snapshot, model.context_window) == ("ft:gpt-4.1-mini:acme::1", 500)


@pytest.mark.parametrize("entry", ["gpt-4o", {"id": "gpt-4o"}, {"id": "gpt-4o", "context_window": None}])
def test_an_entry_without_facts_changes_nothing(entry: str | dict[str, object]) -> None:
    assert overlay([entry]).family("gpt-4o") == family("gpt-4o")


# The list of models


def test_the_list_says_when_a_model_was_created_whose_it_is_and_when_it_goes() -> None:
    assert model_history.listing(family("gpt-4o")) == (1715367049, "system", "2027-01-14")
    assert model_history.listing(family("whisper-1")) == (1677532384, "openai-internal", "2027-02-26")
    assert model_history.listing(family("gpt-6-astra")) == (1788393600, "system", None)
    assert model_history.listing(family("my-own")) == (model_history.UNKNOWN, "system", None)


def test_a_fine_tuned_model_belongs_to_its_organization() -> None:
    assert model_history.listing(family("ft:gpt-4o-mini-2024-07-18:acme::abc")).owned_by == "acme"


def test_an_entry_says_who_owns_a_model() -> None:
    table = overlay([{"id": "gpt-4o", "owned_by": "acme", "created": 7}])
    assert model_history.listing(table.family("gpt-4o"))[:2] == (7, "acme")


def test_every_name_of_the_history_is_in_the_table() -> None:
    names = {*model_history._CREATED, *model_history._RELEASES, *model_history._OWNER, *model_history._SHUTDOWN}
    assert sorted(names - set(NAMES)) == []
