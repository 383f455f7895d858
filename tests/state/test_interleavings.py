"""Random interleavings of operations by several processes' views of one store give what one state in memory gives."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from openaimock.state.memory import MemoryState
from openaimock.state.store import Cost

from .test_store import IMPLEMENTATIONS, SETTINGS, shared_views

NAMES = st.sampled_from(["a", "b", "c"])
IDS = st.sampled_from(["id0", "id1", "id2", "id3"])
SIDES = st.integers(0, 1)
VALUES = st.dictionaries(NAMES, st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4), max_size=3)
SOME_ID = st.none() | IDS


class Interleavings(RuleBasedStateMachine):
    """Two views of one namespace, as two processes have them, beside the model."""

    implementation = ""

    def __init__(self) -> None:
        super().__init__()
        self.model = MemoryState("default", SETTINGS.scenarios, SETTINGS.journal_size)
        self.views = shared_views(self.implementation)
        #: The time of limits.
        self.now = 0.0

    def same(self, side: int, method: str, *arguments: object, **options: object) -> None:
        expected = getattr(self.model, method)(*arguments, **options)
        assert getattr(self.views[side], method)(*arguments, **options) == expected

    @rule(side=SIDES, name=NAMES, times=st.none() | st.integers(0, 4), answer=st.integers(-1, 2), key=st.none() | NAMES)
    def claim(self, side, name, times, answer, key):
        self.same(side, "claim", name, times, answer=answer, key=key)

    @rule(side=SIDES, name=NAMES, reply=st.integers(0, 1), times=st.integers(0, 3))
    def fail(self, side, name, reply, times):
        self.same(side, "fail", name, reply, times)

    @rule(side=SIDES)
    def counts(self, side):
        view = self.views[side]
        assert {name: hits for name, hits in view.hits().items() if hits} == {
            name: hits for name, hits in self.model.hits().items() if hits
        }
        assert set(view.answers()) == self.model.answers()
        assert dict(view.scenarios()) == dict(self.model.scenarios())

    @rule(side=SIDES, names=st.sets(NAMES))
    def forget_rules(self, side, names):
        self.same(side, "forget_rules", names)

    @rule(side=SIDES, name=NAMES, value=NAMES)
    def set_scenarios(self, side, name, value):
        self.same(side, "set_scenarios", {name: value, "cart": value})

    @rule(side=SIDES, name=NAMES | st.just("cart"), expected=st.none() | NAMES | st.just("empty"), new=NAMES)
    def compare_and_set(self, side, name, expected, new):
        self.same(side, "compare_and_set", name, expected, new)

    @rule(side=SIDES, names=st.sets(NAMES, min_size=1), amount=st.integers(1, 6), seconds=st.integers(0, 20))
    def take(self, side, names, amount, seconds):
        self.now += seconds
        costs = [Cost(name, amount, 10, 64.0) for name in sorted(names)]
        expected, levels = self.model.take(costs, self.now), self.views[side].take(costs, self.now)
        assert (levels.is_enough, levels.levels) == (expected.is_enough, pytest.approx(expected.levels))

    @rule(side=SIDES, collection=NAMES, id=IDS, value=VALUES, label=st.none() | NAMES)
    def put(self, side, collection, id, value, label):
        self.same(side, "put", collection, id, value, None if label is None else {"label": label})

    @rule(side=SIDES, collection=NAMES, id=IDS)
    def get(self, side, collection, id):
        self.same(side, "get", collection, id)
        self.same(side, "count", collection)

    @rule(side=SIDES, collection=NAMES, id=IDS)
    def delete(self, side, collection, id):
        self.same(side, "delete", collection, id)

    @rule(side=SIDES, collection=NAMES, id=IDS, change=VALUES, expected=st.none() | VALUES)
    def update(self, side, collection, id, change, expected):
        self.same(side, "update", collection, id, change, expected)

    @rule(
        side=SIDES, collection=NAMES, limit=st.integers(1, 4), after=SOME_ID, before=SOME_ID, newest=st.booleans(), label=SOME_ID
    )
    def page(self, side, collection, limit, after, before, newest, label):
        index = None if label is None else {"label": "abcd"[int(label[2:])]}
        self.same(side, "page", collection, limit=limit, after=after, before=before, newest_first=newest, index=index)

    @rule(side=SIDES, id=IDS, data=st.binary(max_size=9), whole=st.booleans())
    def write_blob(self, side, id, data, whole):
        if whole:
            self.same(side, "put_blob", id, [data, data])
        else:
            self.same(side, "append_blob", id, data)

    @rule(side=SIDES, id=IDS)
    def read_blob(self, side, id):
        contents = []
        for state in (self.model, self.views[side]):
            file = state.open_blob(id)
            contents.append(None if file is None else file.read())
            if file is not None:
                file.close()
        assert contents[0] == contents[1]

    @rule(side=SIDES, id=IDS)
    def delete_blob(self, side, id):
        self.same(side, "delete_blob", id)

    @rule(side=SIDES, job=NAMES, holder=NAMES, seconds=st.integers(1, 9), now=st.integers(0, 20))
    def lease(self, side, job, holder, seconds, now):
        self.same(side, "lease", job, holder, float(seconds), float(now))

    @rule(side=SIDES, job=NAMES, holder=NAMES)
    def release(self, side, job, holder):
        self.same(side, "release", job, holder)

    @rule(side=SIDES, job=NAMES, at=st.none() | st.integers(0, 20))
    def schedule(self, side, job, at):
        self.same(side, "schedule", job, None if at is None else float(at))

    @rule(side=SIDES, now=st.integers(0, 20), limit=st.integers(1, 3))
    def due(self, side, now, limit):
        self.same(side, "due", float(now), limit)

    @rule(side=SIDES)
    def reset(self, side):
        self.same(side, "reset")


@pytest.mark.parametrize("implementation", sorted(set(IMPLEMENTATIONS) - {"memory"}))
def test_two_processes_behave_as_one_state(implementation):
    machine = type("Machine", (Interleavings,), {"implementation": implementation})
    # Without shrinking, which takes minutes with a database.
    options = settings(max_examples=12, stateful_step_count=25, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(machine, settings=options)
