"""What the processes of the tests of shared stores do: each runs as ``python -m tests.state.processes WORK ARGUMENTS``."""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path

from openaimock.config.load import Config
from openaimock.state.shared_store import SharedStore
from openaimock.state.sqlite import SQLiteEngine
from openaimock.state.store import Cost, StoreUnavailable


def store(path: str) -> SharedStore:
    return SharedStore(SQLiteEngine(Path(path)), Config())


def claim(path: str, steps: str) -> None:
    """Claim steps of one sequence until it is used up, and print them."""
    state = store(path)["shared"]
    numbers = iter(lambda: state.claim("rule", int(steps)), None)
    print(*numbers)


def take(path: str, limit: str) -> None:
    """Take from one bucket until it is empty, and print how often that was."""
    state = store(path)["shared"]
    cost = Cost("bucket", 1, float(limit), 1e9)
    print(sum(1 for _ in itertools.takewhile(lambda _: state.take([cost], 0.0).is_enough, itertools.count())))


def join(path: str) -> None:
    """For each name that comes, open a new store of that name, with the others that get the name; print the errors."""
    os.write(1, b"ready\n")
    for name in sys.stdin:
        try:
            store(f"{path}/{name.strip()}.db")["shared"].claim("rule")
            os.write(1, b"ok\n")
        except StoreUnavailable as error:
            os.write(1, f"{error}\n".encode())


def write(path: str) -> None:
    """Claim and store without end, and print each step after it is done."""
    state = store(path)["shared"]
    while True:
        number = state.claim("rule")
        state.put("objects", f"o{number}", {"number": number})
        state.put_blob(f"b{number}", [b"x" * 1000])
        os.write(1, f"{number}\n".encode())


if __name__ == "__main__":
    {"claim": claim, "take": take, "join": join, "write": write}[sys.argv[1]](*sys.argv[2:])
