"""Sealed plans on the local AWS, through the commands that a user types."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cicd_templates.deploy.change_sets.cloudformation_calls import describe_stack
from tests.integration.conftest import Project

pytestmark = [pytest.mark.integration, pytest.mark.long]


def test_a_protected_environment_is_deployed_from_plans_wave_by_wave(project: Project) -> None:
    refused = project.type("deploy --env production --local")
    assert refused.exit_code == 3, refused.output
    assert (
        "make plan ENV=production LOCAL=1, then make deploy PLAN=.state/local/plans/production.json" in refused.output
    )

    planned = project.type("plan --env production --local --detailed-exitcode")
    assert planned.exit_code == 4
    assert "deploy exactly this plan: make deploy PLAN=.state/local/plans/production.json LOCAL=1" in planned.output
    page = Path(".state/local/plans/production.md").read_text()
    assert page.startswith("# Plan of production\n")
    assert "cluster waits for the deployment of keys, network, storage." in page
    browser_page = Path(".state/local/plans/production.html").read_text()
    assert "<title>Plan of production</title>" in browser_page

    codes: list[int] = []
    while not codes or codes[-1] == 4:
        result = project.type("deploy --plan .state/local/plans/production.json --local")
        codes.append(result.exit_code)
        assert len(codes) < 6, result.output
    assert codes == [4] * (len(codes) - 1) + [0]
    assert len(codes) > 2
    rows = json.loads(project.ok("status --env production --local --json"))["production"]
    assert {row["status"] for row in rows} == {"CREATE_COMPLETE"}
    assert not Path(".state/local/plans/production.json").exists()
    assert not project.type("plan --env production --local --detailed-exitcode").exit_code


def test_all_environments_stop_at_the_first_protected_one_with_its_plan(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As on AWS, `--yes` is not a consent for protected environments.
    monkeypatch.setattr("cicd_templates.cli.selection.confirmation", lambda yes: lambda question: True)
    result = project.type("deploy --env all --local")

    assert result.exit_code == 4
    assert "production is protected: read .state/local/plans/production.md, then make deploy PLAN=" in result.output
    assert "service-parcel-dispatcher: created" in result.output.partition("Plan of production")[0]
    assert "Deploying tools" not in result.output
    assert "error:" not in result.output
    again = project.type("deploy --env all --local")
    assert again.exit_code == 4
    assert again.output.count(": nothing to change") > 6
    project.ok("deploy --env production --local --yes")
    tools = project.type("deploy --env all --local")
    assert tools.exit_code == 4
    assert "tools is protected: read .state/local/plans/tools.md" in tools.output


def test_a_plan_is_refused_if_anything_has_changed(project: Project, tmp_path: Path) -> None:
    project.ok(f"plan --env staging --local --out {tmp_path}/first.json")
    path = project.folder / "out/staging/keys.yaml"
    text = path.read_text()
    path.write_text(text + "\n# touched\n")
    refused = project.type(f"deploy --plan {tmp_path}/first.json --local")
    assert refused.exit_code == 3, refused.output
    assert "keys: the file out/staging/keys.yaml was changed after the plan was made" in refused.output
    assert "plan again: make plan ENV=staging LOCAL=1" in refused.output
    path.write_text(text)

    assert project.type(f"deploy --plan {tmp_path}/first.json --local").exit_code == 4
    again = project.type(f"deploy --plan {tmp_path}/first.json --local")
    assert again.exit_code == 3
    assert re.search(r"keys: the change set is (EXECUTE_COMPLETE|gone)", again.output)
    assert "discarded" in project.ok("plan-discard --env staging --local")


def test_a_discarded_plan_leaves_nothing(project: Project) -> None:
    project.ok("plan --env staging --local")
    assert describe_stack(project.clients("staging"), "shipping-staging-keys") is not None
    recovering = project.type("recover --env staging --local")
    assert "the plan .state/local/plans/staging.json still needs the stack, until " in recovering.output
    assert "change set cicd-templates-" in recovering.output
    assert "make deploy PLAN=.state/local/plans/staging.json LOCAL=1\n" in recovering.output
    assert "delete-stack" not in recovering.output
    output = project.ok("plan-discard --plan .state/local/plans/staging.json --local")

    assert re.fullmatch(r"staging: discarded \d change sets\n", output)
    assert project.clients("staging").cloudformation.describe_stacks()["Stacks"] == []
    assert project.ok("plan-discard --env staging --local") == "staging: discarded 0 change sets\n"


def test_data_is_deleted_by_a_deployment_only_if_it_is_named(project: Project) -> None:
    project.ok("deploy --env production --layer keys --local --yes")
    project.ok("deploy --env production --layer storage --local --yes")
    path = project.folder / "out/production/storage.yaml"
    path.write_text(path.read_text().replace("shipping-production-uploads", "shipping-production-others"))
    refused = project.type("deploy --env production --layer storage --local --yes")

    assert refused.exit_code == 3, refused.output
    assert "storage/Uploads (AWS::S3::Bucket): replaced; objects: kept, outside the stack" in refused.output
    assert "ALLOW=storage/Uploads" in refused.output
    project.ok("deploy --env production --layer storage --local --yes --allow storage/Uploads")


def test_a_change_of_a_key_policy_replaces_no_key(project: Project) -> None:
    project.ok("deploy --env production --layer keys --local --yes")
    path = project.folder / "out/production/keys.yaml"
    text = path.read_text()
    assert "PendingWindowInDays: 30" in text
    path.write_text(text.replace("PendingWindowInDays: 30", "PendingWindowInDays: 29"))
    deployed = project.ok("deploy --env production --layer keys --local --yes")

    assert "keys: updated" in deployed
    assert "replace" not in deployed.lower()


@pytest.mark.parametrize(
    ("command", "code", "expected"),
    [
        ("deploy --plan nothing.json --local", 2, "nothing.json: there is no plan here: No such file or directory"),
        ("deploy --plan {plan} --env production --local", 2, "is already a plan for staging; leave out --env"),
        ("deploy --plan {plan} --layer keys --local", 2, "is already a plan for staging; leave out --env"),
        ("deploy --plan {plan}", 3, "is a plan for the local AWS; add --local"),
        ("plan --env all --local --out x.json", 2, "--out x.json can hold only one plan"),
        ("plan-discard --local", 2, "which environment? Name one with --env"),
        ("plan-discard --plan nothing.json --local", 2, "nothing.json: there is no plan here"),
    ],
)
def test_wrong_calls_about_plans_get_one_line(project: Project, command: str, code: int, expected: str) -> None:
    project.ok("plan --env staging --layer keys --local")
    result = project.type(command.format(plan=".state/local/plans/staging.json"))

    assert result.exit_code == code, result.output
    assert expected in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_stacks_that_the_pipeline_writes_are_left_out_of_plans(project: Project) -> None:
    project.ok("deploy --env all --local --yes")
    planned = project.ok("plan --env production --local")

    assert "service-parcel-dispatcher: left to the pipeline" in planned
    refused = project.type("plan --env production --layer service --local")
    assert refused.exit_code == 3, refused.output
    assert "this stack is updated by releases" in refused.output
