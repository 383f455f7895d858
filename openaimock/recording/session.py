"""A session: exchanges in their order, each read with what came before it, become the rules that answer them again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..errors import ConfigError
from ..http.json import dump
from ..types.ask import Ask
from . import rules as drafting
from .asks import read, with_files
from .exchange import Recording, Skipped, parsed
from .history import History
from .payloads import base64_texts
from .redactor import Redactor
from .replies import reply
from .rules import Draft, Entry
from .streams import Unclear, answer
from .verify import Skip, usable, verified

JSON = Any
Words = dict[str, Any]


class Session:
    """Recorded exchanges of one client. ``redactor`` takes the secrets out of what becomes a rule."""

    def __init__(self, *, keep_ids: bool = False, redactor: Redactor | None = None) -> None:
        self.keep_ids = keep_ids
        self._redactor = redactor or Redactor()
        self._history = History()

    def entries(
        self, recording: Recording, finished: Mapping[str, JSON] | None = None, *, form: Ask | None = None
    ) -> list[Entry]:
        """The requests and replies of an exchange. ``finished`` has responses by id that this one became in the end.

        ``form`` is the Ask of a form whose files the recording does not have.

        Skipped says why no rule can answer the request; Unknown (a Skipped) that it refers to one that has not come yet.
        """
        try:
            return self._entries(recording, finished or {}, form)
        except Unclear as reason:
            raise Skipped(str(reason)) from None
        except ConfigError as error:
            raise Skipped(error.problems[0].message) from None
        except (AttributeError, IndexError, KeyError, TypeError) as error:
            # An edited file may hold values that the API would not send.
            raise Skipped(f"this is not an exchange with the API ({type(error).__name__})") from None

    def _entries(self, recording: Recording, finished: Mapping[str, JSON], form: Ask | None) -> list[Entry]:
        self._note_conversation(recording)
        request = read(recording, self._history) if form is None else with_files(recording, form)
        responding = request.ask.endpoint == "responses"
        if responding:
            recording = _settled(recording, finished)
            request = replace(request, recording=recording)
        words = reply(request.ask, recording, keep_ids=self.keep_ids)
        if responding and recording.status == 200:
            self._note_response(recording, request.ask.body)
        return drafting.entries(request, self._cleaned(usable(words, recording)))

    def rules(self, entries: Iterable[Entry], skip: Skip, used_ids: Collection[str] = ()) -> list[Words]:
        """The rules of entries, which load and answer the requests again; ``skip`` gets what has to be left out.

        ``used_ids`` are ids that rules have already.
        """
        return verified(self.drafts(entries), skip, used_ids)

    def drafts(self, entries: Iterable[Entry]) -> list[Draft]:
        """The rules of entries before they are verified."""
        return drafting.drafts(entries, self._redactor.text, keep_ids=self.keep_ids)

    def _note_conversation(self, recording: Recording) -> None:
        """Remember a conversation that is created, or that items are added to."""
        parts = recording.path.strip("/").split("/")
        if "conversations" not in parts or recording.method != "POST" or recording.status != 200:
            return
        request, created = parsed(recording.body), parsed(recording.response)
        names = parts[parts.index("conversations") + 1 :]
        id = names[0] if names else created.get("id") if isinstance(created, dict) else None
        if isinstance(id, str) and (not names or names[1:] == ["items"]):
            self._history.begin(id, request.get("items") if isinstance(request, dict) else None)

    def _note_response(self, recording: Recording, expanded: Mapping[str, JSON]) -> None:
        try:
            whole = answer(recording, "responses").whole
        except Unclear:
            return
        request = parsed(recording.body)
        if isinstance(whole, dict) and isinstance(request, dict):
            self._history.note(request, expanded, whole)

    def _cleaned(self, words: Words) -> Words:
        """A reply without secrets; pieces and tokens that would spell them are left out with them."""
        clean: Words = self._redactor.value(words)
        if base64_texts(clean) != base64_texts(words):
            raise Skipped("its image or sound holds a secret")
        if all(clean.get(name) == words.get(name) for name in ("content", "refusal", "blocks", "pace")):
            return clean
        clean.pop("logprobs", None)
        pace = {name: value for name, value in (words.get("pace") or {}).items() if name not in ("chunks", "gaps")}
        return {name: value for name, value in clean.items() if name != "pace"} | ({"pace": pace} if pace else {})


# Responses in the background


def finished(recordings: Iterable[Recording]) -> dict[str, JSON]:
    """Responses that were asked for again until they were finished, by their ids."""
    ended: dict[str, JSON] = {}
    for recording in recordings:
        if recording.method == "GET" and "/responses/" in recording.path and recording.status == 200:
            whole = parsed(recording.response)
            if isinstance(whole, dict) and whole.get("status") in ("completed", "incomplete", "failed"):
                ended[str(whole.get("id"))] = whole
    return ended


def _settled(recording: Recording, ended: Mapping[str, JSON]) -> Recording:
    """The recording of a response in the background with the answer that it had in the end."""
    whole = None if recording.streamed else parsed(recording.response)
    if isinstance(whole, dict) and whole.get("status") in ("queued", "in_progress") and str(whole.get("id")) in ended:
        return recording._replace(response=dump(ended[str(whole["id"])]).encode())
    return recording
