"""The templates that are uploaded for the pipeline, and the account to which they are uploaded."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.cli import templates_handover
from cicd_templates.cli.targets import Target
from cicd_templates.cli.templates_handover import open_tools
from cicd_templates.config.load import read_configuration
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.change_sets.rendered_stacks import read_stacks
from cicd_templates.errors import ConfigurationError, RefusedError
from cicd_templates.files.paths import BUILD, CONFIGURATION, OUT
from cicd_templates.local import engine_state_file
from cicd_templates.local.engine_process import Engine
from tests.conftest import PROJECT


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Return the accounts and regions that are opened."""
    opened: list[tuple[str, str]] = []

    def open_account(environment: Any, account: str, region: str, engine: Any) -> tuple[None, None]:
        opened.append((account, region))
        return None, None

    monkeypatch.setattr(templates_handover, "open_account", open_account)
    monkeypatch.setattr(templates_handover, "require_account", lambda clients, account: f"arn of {account}")
    return opened


def test_the_pipeline_gets_the_stacks_of_every_environment(in_project: Path, accounts: list[tuple[str, str]]) -> None:
    shutil.copytree(PROJECT / "out", OUT)
    tools = open_tools(read_configuration(CONFIGURATION), OUT, local=False)

    assert {stack.links.environment for stack in tools.stacks} == {"tools", "staging", "production"}
    assert (tools.missing, tools.caller, accounts) == ((), "arn of 111111111111", [("111111111111", "eu-central-1")])
    assert "is not in a git work tree" in tools.commit.problem


@pytest.mark.parametrize(
    ("rendered", "missing"),
    [
        (("staging",), ("tools-pr1", "production-pr1")),
        (("tools",), ("staging-pr1", "production-pr1")),
        (("staging", "production"), ("tools-pr1",)),
        (("staging", "production", "tools"), ()),
    ],
    ids=" ".join,
)
def test_a_copy_may_be_rendered_in_part(
    rendered: tuple[str, ...], missing: tuple[str, ...], in_project: Path, accounts: list[tuple[str, str]]
) -> None:
    # A render of one environment also writes the pages of the others.
    for name in ("tools", "staging", "production"):
        page = BUILD / f"pr1/{name}-pr1/REVIEW.md"
        page.parent.mkdir(parents=True)
        page.write_text("#")
    for name in rendered:
        shutil.copytree(PROJECT / "out" / name, BUILD / f"pr1/{name}-pr1", dirs_exist_ok=True)
    tools = open_tools(read_configuration(CONFIGURATION, suffix="pr1"), BUILD / "pr1", local=False)

    assert set(tools.missing) == set(missing)
    assert {stack.links.environment for stack in tools.stacks} == set(rendered)
    assert (tools.environment.qualified, tools.commit.problem) == ("tools-pr1", "")
    assert accounts == [("111111111111", "eu-central-1")]


def test_the_project_itself_is_rendered_whole(in_project: Path, accounts: list[tuple[str, str]]) -> None:
    shutil.copytree(PROJECT / "out", OUT)
    shutil.rmtree(OUT / "tools")

    with pytest.raises(ConfigurationError, match=r"out/tools: no rendered templates; run `make render` first"):
        open_tools(read_configuration(CONFIGURATION), OUT, local=False)
    assert accounts == []


KNOWN = Target([], [], None, Polling(), Engine(1, 2, Path("engine")), caller="arn of ada")  # type: ignore[arg-type] # no call


@pytest.mark.parametrize(
    ("caller", "opened"),
    [
        pytest.param("arn of ada", [], id="its account is checked"),
        pytest.param("", [("111111111111", "eu-central-1")], id="its account is not checked"),
    ],
)
def test_an_account_that_is_checked_is_not_checked_again(
    caller: str, opened: list[tuple[str, str]], in_project: Path, accounts: list[tuple[str, str]]
) -> None:
    shutil.copytree(PROJECT / "out", OUT)
    stacks = read_stacks(OUT / "tools")
    target = replace(KNOWN, stacks=stacks, chosen=stacks, caller=caller)
    tools = open_tools(read_configuration(CONFIGURATION), OUT, local=False, known={"tools": target})

    assert (tools.caller, accounts) == (caller or "arn of 111111111111", opened)
    assert {stack.environment for stack in tools.stacks} == {"tools", "staging", "production"}
    assert [id(stack) for stack in tools.stacks if stack.environment == "tools"] == [id(stack) for stack in stacks]


def test_the_local_aws_is_looked_for_only_if_no_target_has_it(
    in_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engines: list[Any] = []

    def open_account(environment: Any, account: str, region: str, engine: Any) -> tuple[None, None]:
        engines.append(engine)
        return None, None

    monkeypatch.setattr(templates_handover, "open_account", open_account)
    monkeypatch.setattr(templates_handover, "require_account", lambda clients, account: "ada")
    monkeypatch.setattr(engine_state_file, "required", lambda: "started by make local")
    shutil.copytree(PROJECT / "out", OUT)
    stacks = read_stacks(OUT / "staging")
    for known in ({}, {"staging": replace(KNOWN, stacks=stacks, chosen=stacks)}):
        open_tools(read_configuration(CONFIGURATION), OUT, local=True, known=known)

    assert engines == ["started by make local", KNOWN.engine]


def test_a_plan_looks_for_no_commit_and_could_hand_nothing_over(
    in_project: Path, accounts: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(templates_handover, "find_templates_commit", None)
    shutil.copytree(PROJECT / "out", OUT)
    tools = open_tools(read_configuration(CONFIGURATION), OUT, local=False, plans_only=True)

    with pytest.raises(RefusedError, match="not handed to the pipeline: a plan does not look for the commit"):
        tools.publish_templates("bucket")
