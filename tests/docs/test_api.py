"""docs/api.rst lists every method of the official client; each operation of the mock answers the method of its name."""

import csv
import runpy
from pathlib import Path

import pytest

from openaimock.types.operations import OPERATIONS

ROOT = Path(__file__).parents[2]
#: Operations that are in the table only to give a clear answer.
NOT_ANSWERED = {"responses.connect"}


def test_the_page_is_what_the_script_writes(capsys):
    check = runpy.run_path(str(ROOT / "scripts" / "api"))["check"]
    status = check()
    problem = capsys.readouterr().err
    if status == 3:
        pytest.skip(problem)
    assert status == 0, problem


def test_each_operation_answers_the_method_of_its_name():
    lines = [line.strip() for line in (ROOT / "docs" / "api.rst").read_text("utf-8").splitlines()]
    rows = [[cell.strip("`") for cell in row] for row in csv.reader(line for line in lines if line.startswith('"``'))]
    answered = {method: operation for method, _, operation in rows}
    missing = {id: answered.get(id) for id in OPERATIONS if id not in NOT_ANSWERED and answered.get(id) != id}
    assert not missing, f"{missing}: write docs/api.rst anew with scripts/api, or give the operation the name of the SDK's method"
