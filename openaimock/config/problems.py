"""Problems: the mistakes of several files, in the order of the files and without duplicates."""

from __future__ import annotations

import re

from ..errors import Problem


def in_order(problems: list[Problem]) -> list[Problem]:
    """Problems sorted by file, line and column, without duplicates (several aliases may lead to one place)."""
    files = list(dict.fromkeys(position(problem)[0] for problem in problems))
    unique: dict[tuple[str, str], Problem] = {}
    for problem in problems:
        unique.setdefault((problem.place or problem.path, problem.message), problem)

    def order(problem: Problem) -> tuple[int, int, int]:
        file, line, column = position(problem)
        return files.index(file), line, column

    return sorted(unique.values(), key=order)


def position(problem: Problem) -> tuple[str, int, int]:
    """The file, line and column of a problem; line and column are 0 where its place has none."""
    match = re.search(r":(\d+):(\d+)$", problem.place)
    return (problem.place[: match.start()], int(match[1]), int(match[2])) if match else (problem.place, 0, 0)
