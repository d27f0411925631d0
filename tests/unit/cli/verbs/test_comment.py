"""The files that `comment` reads and writes, and the previews that it finds by itself."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cicd_templates.cli import main, selection
from cicd_templates.deploy.plans import document
from cicd_templates.deploy.reporting.report import Heading
from cicd_templates.deploy.runs import preview as previews
from tests.unit.deploy.plans.test_document import PLAN
from tests.unit.review.test_revision import git, repository

__all__ = ["repository"]
STAGING = replace(PLAN, environment="staging", suffix="", local=False, preview=True)


def typed(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def test_all_previews_become_one_comment_and_one_page(repository: Path) -> None:
    copy = replace(STAGING, environment="staging-pr1")
    for plan in (copy, STAGING):
        document.write(plan, repository / f".state/previews/{plan.environment}.json", "")
    result = typed("comment", "--base", "HEAD")

    text = (repository / ".state/previews/comment.md").read_text()
    assert (result.exit_code, result.output) == (
        0,
        "written to .state/previews/comment.md\nthe page of 2 plans: .state/previews/plan.html\n",
    )
    assert text.startswith("## Plan of staging, staging-pr1\n")
    assert "- **Not planned**: production, tools. The log of the run says why.\n" in text
    assert "No changes: the templates of all stacks (1) are the same as before." in text
    assert "<code>make plan ENV=all</code>" in (repository / ".state/previews/plan.html").read_text()


def test_without_previews_only_the_templates_are_compared(repository: Path) -> None:
    result = typed("comment", "--base", "HEAD~1", "--out", "written/comment.md")

    text = (repository / "written/comment.md").read_text()
    assert (result.exit_code, result.output) == (0, "written to written/comment.md\n")
    assert text.startswith("## Templates\n\n**Not planned**")
    assert "- **staging** `keys`: the stack, with 3 resources" in text
    assert not (repository / "written/plan.html").exists()


def test_plans_can_be_named(repository: Path) -> None:
    document.write(STAGING, repository / "one.json", "")
    document.write(replace(STAGING, environment="tools"), repository / "two.json", "")

    assert typed("comment", "--base", "HEAD", "--plan", "two.json,one.json", "--local").exit_code == 0
    text = (repository / ".state/local/previews/comment.md").read_text()
    assert text.startswith("## Plan of staging, tools\n")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ((), 2, "compare with which revision? Name it with --base, such as origin/main"),
        (("--base", "nope"), 2, "'nope' is not a revision of this repository"),
        (("--base", "HEAD", "--plan", "none.json"), 2, "none.json: there is no plan here"),
    ],
)
def test_what_cannot_be_read_is_one_line(repository: Path, words: tuple[str, ...], code: int, message: str) -> None:
    git("status")
    result = typed("comment", *words)

    assert (result.exit_code, result.output.splitlines()[0].startswith(f"error: {message}")) == (code, True)


@pytest.mark.parametrize(
    ("words", "made", "code"),
    [
        (("--preview",), STAGING, 0),
        (("--preview", "--detailed-exitcode"), STAGING, 4),
        (("--preview", "--detailed-exitcode"), replace(STAGING, stacks=(), waits={}), 0),
    ],
)
def test_plan_previews_every_chosen_stack(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], made: document.Plan, code: int
) -> None:
    asked: list[Any] = []
    target = SimpleNamespace(
        environment="staging",
        heading=lambda verb: Heading(verb, "staging", "222222222222", "eu-central-1", ""),
        context=lambda wait: f"waits: {wait}",
        chosen=["keys", "network"],
        protected=True,
    )
    monkeypatch.setattr(selection, "targets", lambda **options: [target])
    monkeypatch.setattr(selection, "refuse_edited", lambda *targets, **options: None)

    def answer(*given: Any) -> document.Plan:
        asked.append(given)
        return made

    monkeypatch.setattr(previews, "preview_environment", answer)
    result = typed("plan", "--env", "staging", "--wait", "--json", *words)

    assert result.exit_code == code, result.output
    assert json.loads(result.output)["verb"] == "Preview of"
    assert [(context, chosen, path) for context, chosen, _, path in asked] == [
        ("waits: True", ["keys", "network"], None)
    ]


@pytest.mark.parametrize("option", ["--drift", "--revert-drift"])
def test_a_preview_detects_no_drift(monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    monkeypatch.setattr(selection, "targets", lambda **options: [])
    monkeypatch.setattr(selection, "refuse_edited", lambda *targets, **options: None)
    result = typed("plan", "--env", "staging", "--preview", option)

    assert (result.exit_code, result.output) == (2, f"error: a preview does not detect drift; leave out {option}\n")
