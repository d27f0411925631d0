"""The status of stacks and the template that they have: the reviewed one, an older one, or an unknown one."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.deploy.runs.status import StatusRow, outputs, status_rows
from cicd_templates.template.stack_template import StackTemplate
from tests.fakes.answering_aws import FakeAws, denied
from tests.projects.stacks import stacks_of
from tests.unit.deploy.releases.test_commits import git

KEYS = next(stack for stack in stacks_of("staging") if stack.layer == "keys")
OLDER = KEYS.text + "Mappings: {}\n"
TIME = datetime(2026, 1, 1, tzinfo=UTC)


def described(name: str, status: str = "CREATE_COMPLETE", **tags: str) -> dict[str, Any]:
    known = {"ManagedBy": "cicd-templates", "Project": "shipping", "Environment": "staging", **tags}
    return {
        "StackName": name,
        "StackStatus": status,
        "CreationTime": TIME,
        "Tags": [{"Key": key, "Value": value} for key, value in known.items()],
    }


def rows(stack: StackTemplate, body: Any, *others: dict[str, Any]) -> list[StatusRow]:
    fake: Any = FakeAws(
        {
            "cloudformation.describe_stacks": [{"Stacks": [described(stack.name)]}, {"Stacks": list(others)}],
            "cloudformation.get_template": body if isinstance(body, Exception) else {"TemplateBody": body},
        },
        parsed=frozenset({"cloudformation.get_template"} if isinstance(body, dict) else ()),
    )
    return status_rows(fake, [stack], [stack])


@pytest.fixture
def committed(tmp_path: Path) -> tuple[StackTemplate, str, str]:
    """Return a stack whose file has two versions in git, and the ids of their commits."""
    path = tmp_path / "out/staging/keys.yaml"
    path.parent.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    ids = []
    for body in (OLDER, KEYS.text):
        path.write_text(body)
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-qm", "text")
        ids.append(git(tmp_path, "log", "-1", "--format=%h"))
    return replace(KEYS, path=path), ids[0], ids[1]


def test_a_reviewed_text_is_known_by_the_commit_that_introduced_it(committed: tuple[StackTemplate, str, str]) -> None:
    stack, older, newer = committed

    assert rows(stack, KEYS.text) == [
        StatusRow("keys", "CREATE_COMPLETE", "2026-01-01 00:00", "reviewed", newer),
    ]
    (row,) = rows(stack, OLDER.rstrip())
    assert (row.text, row.revision, row.description) == ("older", older, f"older, {older}")
    assert rows(stack, KEYS.text)[0].description == f"at {newer}"


@pytest.mark.parametrize(
    ("added", "text"), [("", "as rendered"), ("# by hand\n", "as rendered"), ("Mappings: {}\n", "not as rendered")]
)
def test_where_git_does_not_answer_a_text_is_compared_with_the_rendered_one(
    added: str, text: str, committed: tuple[StackTemplate, str, str]
) -> None:
    stack = committed[0]
    fake: Any = FakeAws(
        {
            "cloudformation.describe_stacks": [{"Stacks": [described(stack.name)]}],
            "cloudformation.get_template": {"TemplateBody": KEYS.text + added},
        }
    )

    (row,) = status_rows(fake, [stack], [stack], history=False)

    assert (row.text, row.revision, row.description) == (text, "", text)


def test_a_text_that_differs_in_what_cloudformation_does_not_update_alone_is_the_same_in_effect(
    committed: tuple[StackTemplate, str, str],
) -> None:
    stack, _, newer = committed
    renamed = replace(stack, text="# newest\n" + stack.text)
    (known,) = rows(renamed, KEYS.text)
    (unknown,) = rows(renamed, "# nobody's\n" + KEYS.text)

    assert (known.text, known.revision, known.description) == ("same in effect", newer, f"same in effect, {newer}")
    assert (unknown.text, unknown.revision, unknown.description) == ("same in effect", "", "same in effect")


def test_a_text_that_aws_distorts_is_found_in_its_commit(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    ids = []
    texts = ["Resources:\n  A:\n    Type: Zo\u00eb", "Resources:\n  A:\n    Type: \u263a", "Resources: {}"]
    for text in texts:
        path.write_text(f"{text}\n", encoding="utf-8")
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-qm", "text")
        ids.append(git(tmp_path, "log", "-1", "--format=%h"))
    stack = replace(KEYS, path=path, text=f"{texts[2]}\n", content={"Resources": {}})

    assert [row.revision for text in texts for row in rows(stack, text.encode("ascii", "replace").decode())] == ids
    (unknown,) = rows(stack, "Resources:\n  A:\n    Type: ??")
    assert (unknown.text, unknown.revision) == ("unknown text", "")
    (outside,) = rows(replace(stack, path=tmp_path / "gone.yaml"), "Resources:\n  A:\n    Type: ?")
    assert outside.text == "unknown text"


def test_a_text_that_no_commit_has_is_unknown(committed: tuple[StackTemplate, str, str]) -> None:
    (row,) = rows(committed[0], KEYS.text + "Mappings: {A: {}}\n")

    assert (row.text, row.revision, row.description) == ("unknown text", "", "unknown text")


def test_what_is_rendered_and_in_no_commit_is_not_reviewed(
    committed: tuple[StackTemplate, str, str], tmp_path: Path
) -> None:
    stack = replace(committed[0], text=KEYS.text + "# new\n")
    assert rows(stack, stack.text)[0].text == "not committed"
    assert rows(replace(KEYS, path=tmp_path.parent / "keys.yaml"), KEYS.text)[0].text == "not committed"


def test_a_repository_without_a_commit_has_reviewed_nothing(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)

    assert rows(replace(KEYS, path=tmp_path / "keys.yaml"), KEYS.text)[0].text == "not committed"


def test_json_is_compared_by_its_content(committed: tuple[StackTemplate, str, str]) -> None:
    stack = committed[0]
    assert rows(stack, dict(stack.content))[0].text == "reviewed"
    assert rows(stack, {"Resources": {}})[0].text == "unknown text"


def test_a_text_that_may_not_be_read_is_no_judgement() -> None:
    assert rows(KEYS, denied())[0].text == "not readable"


@pytest.mark.parametrize("history", [True, False])
def test_a_stack_that_was_only_planned_has_no_template_to_compare(history: bool) -> None:
    fake: Any = FakeAws({"cloudformation.describe_stacks": {"Stacks": [described(KEYS.name, "REVIEW_IN_PROGRESS")]}})

    (row,) = status_rows(fake, [KEYS], [KEYS], history=history)
    assert (row.status, row.description) == ("REVIEW_IN_PROGRESS", "planned, never deployed")


def test_stacks_of_ours_that_are_rendered_no_more_are_listed() -> None:
    found = rows(
        KEYS,
        KEYS.text,
        described("shipping-staging-old", "UPDATE_COMPLETE"),
        described("shipping-staging-pr1-keys", Suffix="pr1"),
        described("shipping-tools-keys", Environment="tools"),
        described("somebody", Project="other"),
    )

    assert found[1:] == [StatusRow("shipping-staging-old", "UPDATE_COMPLETE", "2026-01-01 00:00", "not rendered")]


def test_a_part_of_the_stacks_is_shown_alone_and_missing_stacks_are_named() -> None:
    other = replace(KEYS, facts=KEYS.facts._replace(stack="shipping-staging-other"))
    fake: Any = FakeAws(
        {
            "cloudformation.describe_stacks": {"Stacks": [described("shipping-staging-old")]},
            "cloudformation.get_template": {"TemplateBody": KEYS.text},
        }
    )

    assert status_rows(fake, [KEYS, other], [KEYS]) == [StatusRow("keys", "not deployed")]


def test_outputs_are_sorted_and_stacks_without_any_left_out() -> None:
    given = [{"OutputKey": "B", "OutputValue": "2"}, {"OutputKey": "A", "OutputValue": "1"}]
    fake: Any = FakeAws({"cloudformation.describe_stacks": {"Stacks": [{**described(KEYS.name), "Outputs": given}]}})

    assert outputs(fake, [KEYS]) == {"keys": {"A": "1", "B": "2"}}
    bare: Any = FakeAws({"cloudformation.describe_stacks": {"Stacks": [described(KEYS.name)]}})
    assert outputs(bare, [KEYS]) == {}
