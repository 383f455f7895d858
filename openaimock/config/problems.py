"""Problems: the mistakes of several files, in the order of the files and without duplicates."""

from __future__ import annotations

import re

from ..errors import Problem


def in_order(problems: list[Problem]) -> list[Problem]:
    """Problems sorted by file, line and column, without duplicates (several aliases may lead to one place)."""
    files = list(dict.fromkeys(_file(problem) for problem in problems))
    unique: dict[tuple[str, str], Problem] = {}
    for problem in problems:
        unique.setdefault((problem.place or problem.path, problem.message), problem)

    def order(problem: Problem) -> tuple[int, int, int]:
        position = re.search(r":(\d+):(\d+)$", problem.place)
        line, column = (int(position[1]), int(position[2])) if position else (0, 0)
        return files.index(_file(problem)), line, column

    return sorted(unique.values(), key=order)


def _file(problem: Problem) -> str:
    return re.sub(r":\d+:\d+$", "", problem.place)
