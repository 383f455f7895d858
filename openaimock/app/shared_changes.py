"""Changes of a mock whose state several processes share: they are kept in the store, and every process follows them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..config.load import load_rules
from ..replies.plan import faults
from ..rules.rule import Rule
from ..state import documents
from ..state.shared_store import SharedStore
from .changes import Changes

if TYPE_CHECKING:
    from . import App

#: The document in the store, and the counter of its versions.
NAME = "admin"
#: A document: the admin's ``rules`` in their normal form, the ids of rules of the files that were ``removed``, how often all
#: rules were ``cleared``, the seconds that the clock is ``ahead``, and once it was set the ``chaos``.
Document = dict[str, Any]


def _empty() -> Document:
    return {"rules": [], "removed": [], "cleared": 0, "ahead": 0.0}


class SharedChanges(Changes):
    """Changes that reach all processes. Rules that Python adds belong to their process."""

    def __init__(self, app: App) -> None:
        super().__init__(app)
        assert isinstance(app.namespaces, SharedStore)
        self._store = app.namespaces
        self._from_files = list(app.ruleset.rules)
        self._initial_chaos = app.sender.chaos
        #: The version and the content that this process follows, and its rules by their text.
        self._version = 0
        self._document = _empty()
        self._built: dict[str, Rule] = {}
        self._store.on_change, self._store.on_beat = self.follow, lambda: self.app.jobs.look()

    # Changes

    def add_rules(self, source: Any) -> list[Rule]:
        """Append rules in all processes."""
        before: set[str] = set()

        def added(document: Document) -> Document:
            # Another process may have added some since; ids must be free there, too.
            before.clear()
            before.update(rule["id"] for rule in document["rules"])
            present = {rule.id for rule in self.app.ruleset.rules} | before
            rules = load_rules(source, config=self.app.config, taken_ids=present)
            return {**document, "rules": document["rules"] + rules}

        self._change(added)
        ids = {rule["id"] for rule in self._document["rules"]} - before
        return [rule for rule in self.app.ruleset.rules if rule.id in ids]

    def replace_rules(self, source: Any) -> int:
        """Replace the rules of all processes."""
        rules = load_rules(source, config=self.app.config)
        self._change(lambda document: {**document, "rules": rules, "removed": [], "cleared": document["cleared"] + 1})
        return len(rules)

    def delete_rules(self) -> int:
        """Remove the rules of all processes."""
        count = len(self.app.ruleset.rules)
        self._change(lambda document: {**document, "rules": [], "removed": [], "cleared": document["cleared"] + 1})
        return count

    def delete_rule(self, id: str) -> bool:
        """Remove a rule in all processes."""
        if id not in {rule.id for rule in self.app.ruleset.rules}:
            return False
        if self._is_local(id):
            return super().delete_rule(id)

        def removed(document: Document) -> Document:
            rules = [rule for rule in document["rules"] if rule["id"] != id]
            is_added = len(rules) < len(document["rules"])
            return {**document, "rules": rules, "removed": document["removed"] + ([] if is_added else [id])}

        self._change(removed)
        return True

    def set_chaos(self, setting: dict[str, Any] | None) -> None:
        """Set the chaos of all processes."""
        self._change(lambda document: {**document, "chaos": setting})

    def advance(self, seconds: float) -> None:
        """Advance the clocks of all processes."""
        with self.app.changing:
            self.app.advance(seconds)
            self._document = {**self._document, "ahead": self._document["ahead"] + seconds}
        self._change(lambda document: {**document, "ahead": document["ahead"] + seconds})

    def reset(self) -> None:
        """Forget all changes."""
        with self.app.changing:
            self._document = _empty()
        self._change(lambda document: {**_empty(), "cleared": 0})

    def take_over(self, old: Changes) -> None:
        """Follow what the changes of this process' earlier mock followed, after a reload."""
        assert isinstance(old, SharedChanges)
        same_clock = self.app.sender.clock is old.app.sender.clock
        self._store, self._version = old._store, old._version
        self._store.on_change, self._store.on_beat = self.follow, lambda: self.app.jobs.look()
        self._document = {**_empty(), "ahead": old._document["ahead"] if same_clock else 0.0}
        self._apply(old._document)

    def _change(self, changed: Callable[[Document], Document]) -> None:
        document = documents.change(self._store.engine, NAME, lambda old: changed(old or _empty()))
        self._store.engine.increment(NAME)
        self._apply(document)
        # The others follow before this returns.
        self._store.settle()

    # The state of this process

    def follow(self, counters: Mapping[str, int]) -> None:
        """Take over what other processes have changed."""
        version = counters.get(NAME, 0)
        if version != self._version:
            self._version = version
            self._apply(documents.read(self._store.engine, NAME) or _empty())

    def _is_local(self, id: str) -> bool:
        shared = {rule["id"] for rule in self._document["rules"]}
        return id not in shared and id not in {rule.id for rule in self._from_files}

    def _apply(self, document: Document) -> None:
        app = self.app
        with app.changing:
            previous, self._document = self._document, document
            if any(document[name] != previous[name] for name in ("rules", "removed", "cleared")):
                self._apply_rules(previous, document)
            if document.get("chaos", ...) != previous.get("chaos", ...):
                setting = document.get("chaos")
                chosen = None if setting is None else (setting["rate"], faults(setting["faults"]))
                app.sender.chaos = chosen if "chaos" in document else self._initial_chaos
            if document["ahead"] > previous["ahead"]:
                app.advance(document["ahead"] - previous["ahead"])

    def _apply_rules(self, previous: Document, document: Document) -> None:
        texts = [json.dumps(rule) for rule in document["rules"]]
        new = [text for text in texts if text not in self._built]
        self._built.update(zip(new, self.app.build(map(json.loads, new)), strict=True))
        self._built = {text: self._built[text] for text in texts}
        shared = {rule["id"] for rule in (*previous["rules"], *document["rules"])}
        from_files = {rule.id for rule in self._from_files}
        present = self.app.ruleset.rules
        local = [rule for rule in present if rule.id not in shared and rule.id not in from_files]
        if document["cleared"]:
            files: list[Rule] = []
            local = local if document["cleared"] == previous["cleared"] else []
        else:
            removed = set(document["removed"])
            files = [rule for rule in self._from_files if rule.id not in removed]
        rules = [*files, *self._built.values(), *local]
        if [rule.id for rule in present] == [rule.id for rule in rules[: len(present)]] and document["cleared"] == previous[
            "cleared"
        ]:
            self.app.ruleset.add(rules[len(present) :])
        else:
            self._set_rules(rules)
