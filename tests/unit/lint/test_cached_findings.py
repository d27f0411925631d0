"""Only changed templates are linted again, and no finding is kept that other rules or another day could change."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.lint import cached_findings
from cicd_templates.lint.cached_findings import CACHE, lint_changed
from cicd_templates.lint.formats import LintFinding

TODAY = date(2026, 11, 27)


class Linter:
    """A linter that reports every line with `bad` in it, and keeps the names of its files."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def __call__(self, paths: Sequence[Path]) -> list[LintFinding]:
        self.calls.append([path.name for path in paths])
        return [
            LintFinding(str(path), number, "E1", "bad")
            for path in paths
            for number, line in enumerate(path.read_text().splitlines(), start=1)
            if "bad" in line
        ]


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return three files of a project with its rules in `rules/`, for a user with a home folder of their own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    Path(".cfnlintrc").write_text("append_rules: [rules]\n")
    Path("rules").mkdir()
    Path("rules/own.py").write_text("")
    files = {"a.yaml": "good\n", "b.yaml": "good\nbad\n", "c.yaml": "bad\n"}
    for name, text in files.items():
        Path(name).write_text(text)
    return [Path(name) for name in files]


def lint(paths: list[Path], linter: Linter, today: date = TODAY) -> list[str]:
    found, changed = lint_changed(paths, linter, today=today)
    assert changed == (len(linter.calls[-1]) if linter.calls else 0)
    return [f"{finding.path}:{finding.line}" for finding in found]


def test_unchanged_files_are_not_linted_and_keep_their_findings(paths: list[Path]) -> None:
    first, second = Linter(), Linter()

    assert lint(paths, first) == lint(paths, second) == ["b.yaml:2", "c.yaml:1"]
    assert (first.calls, second.calls) == ([["a.yaml", "b.yaml", "c.yaml"]], [])


def test_only_a_changed_a_new_and_a_renamed_file_are_linted(paths: list[Path]) -> None:
    lint(paths, Linter())
    paths[0].write_text("bad\n")
    paths[2].rename("d.yaml")
    linter = Linter()

    assert lint([*paths[:2], Path("d.yaml")], linter) == ["a.yaml:1", "b.yaml:2", "d.yaml:1"]
    assert linter.calls == [["a.yaml", "d.yaml"]]
    assert len(json.loads(CACHE.read_text())["findings"]) == 3


def change_rules() -> None:
    Path("rules/own.py").write_text("RULES = 1\n")


def add_rule() -> None:
    Path("rules/other.py").write_text("")


def change_settings() -> None:
    Path(".cfnlintrc").write_text("append_rules: [rules]\nignore_checks: [E1]\n")


def change_settings_of_the_user() -> None:
    Path("home").mkdir()
    Path("home/.cfnlintrc.yaml").write_text("ignore_checks: [E1]\n")


def damage_settings() -> None:
    Path(".cfnlintrc").write_text("[")


def damage_cache() -> None:
    CACHE.write_text(CACHE.read_text()[:-10])


def forge_cache() -> None:
    kept: dict[str, Any] = json.loads(CACHE.read_text())
    CACHE.write_text(json.dumps({"rules": kept["rules"], "findings": {"x": [{"line": 1}]}}))


@pytest.mark.parametrize(
    "change",
    [
        change_rules, add_rule, change_settings, change_settings_of_the_user, damage_settings, damage_cache,
        forge_cache, CACHE.unlink,
    ],
)  # fmt: skip
def test_everything_is_linted_anew_after_any_other_change(paths: list[Path], change: Any) -> None:
    lint(paths, Linter())
    change()
    linter = Linter()

    assert lint(paths, linter) == ["b.yaml:2", "c.yaml:1"]
    assert linter.calls == [["a.yaml", "b.yaml", "c.yaml"]]


def test_everything_is_linted_anew_on_another_day(paths: list[Path]) -> None:
    lint(paths, Linter())
    linter = Linter()

    lint(paths, linter, date(2026, 11, 28))
    assert len(linter.calls) == 1


def test_where_nothing_can_be_kept_everything_is_linted_every_time(
    paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cached_findings, "write_privately", full)
    for _ in range(2):
        linter = Linter()
        assert lint(paths, linter) == ["b.yaml:2", "c.yaml:1"]
        assert len(linter.calls) == 1


def test_without_files_the_linter_says_what_is_missing() -> None:
    def nothing(paths: Sequence[Path]) -> list[LintFinding]:
        raise LookupError

    with pytest.raises(LookupError):
        lint_changed([], nothing)
