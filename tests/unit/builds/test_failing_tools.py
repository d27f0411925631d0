"""A tool that fails on a part of the source but continues: the gate learns which part was not judged."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.builds.scripts.nested_code import files_nested_too_deep, is_nested_too_deep
from cicd_templates.functions.scan_gate.formats import read_report
from cicd_templates.functions.scan_gate.record import add_record
from tests.conftest import ROOT
from tests.unit.builds.build_runner import checked

SCRIPT = ROOT / "src/cicd_templates/builds/scripts/bandit_failures.py"
CONCATENATED = 'def find(db, name):\n    return db.execute("SELECT * FROM users WHERE name = \'" + name{})\n'
# Bandit fails on about 500 levels. Each further one takes longer.
DEEP = CONCATENATED.format(' + ""' * 515)
NEGATED = f'"%s" % ({"-" * 230}1)\n'
CHAINED = "if a == 0:\n    pass\n" + "".join(f"elif a == {number}:\n    pass\n" for number in range(250))


def status(record: dict[str, Any], report: bytes, form: str) -> str:
    """Return what the gate makes of a report and its record."""
    read = read_report(form, report)
    add_record(read, json.dumps(record).encode())
    return read.status


def test_a_failed_test_of_bandit_is_told_to_the_gate(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "hidden.py").write_text(DEEP)
    (source / "plain.py").write_text(CONCATENATED.format(""))
    record, report = checked("bandit", source)
    first, second, *others = record["not_read"]

    assert first == "./hidden.py, because its code is nested in more than 200 levels; split the code"
    assert second.startswith(
        "code on which Bandit failed (Bandit internal error running: hardcoded_sql_expressions on file ./hidden.py at"
        " line 2"
    )
    assert not any("plain.py" in each for each in others)
    assert status(record, report.read_bytes(), "bandit") == "incomplete"


@pytest.mark.parametrize(
    ("text", "deep"),
    [
        pytest.param(DEEP, True, id="concatenated"),
        pytest.param(NEGATED, True, id="signs"),
        pytest.param(CHAINED, True, id="elif"),
        pytest.param("x = " + "-" * 100_000 + "1", True, id="no tree"),
        pytest.param("x = a" + ".b" * 190, False, id="at the limit"),
        pytest.param("x = (", False, id="wrong syntax"),
        pytest.param(b"x = '\0'", False, id="NUL"),
    ],
)
def test_a_tree_has_a_limit_of_levels(text: str | bytes, deep: bool) -> None:
    assert is_nested_too_deep(text) is deep


def test_files_of_python_are_measured_but_no_others_and_no_links(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("folder/a.py", "b.pyi", "c.pyw", "d.txt"):
        (tmp_path / name).write_text(DEEP)
    (tmp_path / "plain.py").write_text("x = 1\n")
    (tmp_path / "link.py").symlink_to("b.pyi")

    names = [Path(each.partition(",")[0]).name for each in files_nested_too_deep(str(tmp_path))]

    assert names == ["b.pyi", "c.pyw", "a.py"]


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ("", []),
        ("[py.warnings]\tWARNING\ta.py:1: SyntaxWarning\n[main]\tINFO\tprofile\n", []),
        (
            "[tester]\tERROR\tinternal error running: b on a.py: boomTraceback (most recent call last):\n  x\n" * 2,
            ["code on which Bandit failed (internal error running: b on a.py: boom)"],
        ),
        ("".join(f"[manager]\tERROR\t{number}\n" for number in range(7)), [*"01234", "2 more"]),
    ],
    ids=["empty", "warnings", "the same twice", "many"],
)
def test_errors_in_the_log_of_bandit_are_listed(
    log: str, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bandit.log").write_text(log)
    monkeypatch.setattr(sys, "argv", ["bandit_failures.py", str(tmp_path), str(tmp_path / "bandit.log")])
    runpy.run_path(str(SCRIPT), run_name="__main__")

    shown = [each if " " in each else f"code on which Bandit failed ({each})" for each in expected]
    assert json.loads(capsys.readouterr().out) == shown
