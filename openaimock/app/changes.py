"""Changes of a running mock by its admin: its rules, its chaos and its clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..config.load import load_rules
from ..replies.plan import faults
from ..rules.rule import Rule
from ..rules.ruleset import RuleSet

if TYPE_CHECKING:
    from . import App


class Changes:
    """Changes of a mock whose state belongs to its process."""

    def __init__(self, app: App) -> None:
        self.app = app

    def add_rules(self, source: Any) -> list[Rule]:
        """Append rules. ConfigError with all problems; then no rule is added."""
        return self.app.add_rules(source)

    def replace_rules(self, source: Any) -> int:
        """Replace all rules in one step; their number. ConfigError with all problems; then nothing changes."""
        app = self.app
        with app.changing:
            replacement = app.build(load_rules(source, config=app.config))
            self._set_rules(replacement)
            return len(replacement)

    def delete_rules(self) -> int:
        """Remove all rules; how many there were."""
        with self.app.changing:
            count = len(self.app.ruleset.rules)
            self._set_rules([])
            return count

    def delete_rule(self, id: str) -> bool:
        """Remove one rule; False when there is none with this id."""
        with self.app.changing:
            remaining = [rule for rule in self.app.ruleset.rules if rule.id != id]
            if len(remaining) == len(self.app.ruleset.rules):
                return False
            self._set_rules(remaining)
            return True

    def set_chaos(self, setting: dict[str, Any] | None) -> None:
        """Apply faults to a share of the following requests; None: to none."""
        self.app.sender.chaos = None if setting is None else (setting["rate"], faults(setting["faults"]))

    def advance(self, seconds: float) -> None:
        """Advance the clock. ValueError past its end."""
        self.app.advance(seconds)

    def reset(self) -> None:
        """Forget what others share: the caller sets rules, chaos and clock of this process."""

    def take_over(self, old: Changes) -> None:
        """Continue those of this process' earlier mock, after a reload: its rules, chaos and clock were taken over."""

    def _set_rules(self, rules: Sequence[Rule]) -> None:
        self.app.ruleset = RuleSet(rules, first=self.app.ruleset.first)


def changes_of(app: App) -> Changes:
    """The changes of a mock: in its process, or with a shared store in all processes."""
    if not app.namespaces.blocks:
        return Changes(app)
    from .shared_changes import SharedChanges

    return SharedChanges(app)
