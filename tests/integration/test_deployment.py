"""The deployer on the local AWS, through the commands that a user types."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.change_sets.cloudformation_calls import describe_stack
from cicd_templates.local.engine_process import Engine, running
from tests.integration.conftest import ENGINE_PYTHON, STACKS, STAGING_STACKS, Project, make_project

pytestmark = [pytest.mark.integration, pytest.mark.long]
Fail = Callable[[str, str, str], None]


def test_all_environments_are_deployed_then_unchanged_then_destroyed_with_nothing_unexplained(project: Project) -> None:
    deployed = project.ok("deploy --env all --local --yes")
    assert deployed.index("Deploying production") < deployed.index("Deploying tools")
    assert deployed.count(": created, ") == STACKS
    assert "the local AWS records these resources, but does not create them: " in deployed
    assert "3 EC2::EIP" in deployed

    again = project.ok("deploy --env all --local --yes")
    # The service of production is deployed by the pipeline by then.
    assert again.count(": nothing to change") == STACKS - 1
    assert "updated" not in again

    assert max(map(len, project.ok("status --local").splitlines())) <= 80
    status = json.loads(project.ok("status --local --json"))
    *stacks, templates = [row for rows in status.values() for row in rows]
    assert {row["status"] for row in stacks} == {"CREATE_COMPLETE"}
    assert {row["text"] for row in stacks} == {"reviewed"}
    assert (templates["stack"], templates["status"]) == ("templates for releases", "handed over")

    destroyed = project.ok("destroy --env all --local --yes --allow tools,production")
    assert destroyed.index("Destroying tools") < destroyed.index("Destroying staging")
    assert "UNEXPLAINED" not in destroyed
    left = "".join(part.partition("Destroying")[0] for part in destroyed.split("left of ")[1:])
    assert left.count("AWS::S3::Bucket shipping-") == 9
    assert "AWS::ECR::Repository shipping-tools-parcel-dispatcher" in destroyed
    assert "KMS deletes the key on" in destroyed.partition("left of staging")[2]
    assert project.engine.record.entries(project.accounts["production"]) == []
    assert "not deployed" in project.ok("status --env staging --local")


def test_one_changed_setting_changes_exactly_one_resource(project: Project) -> None:
    project.ok("deploy --env staging --local --yes")
    project.edit("log_retention_days = 30", "log_retention_days = 60")
    project.ok("render")
    planned = project.ok("plan --env staging --local")

    changed = {line.split()[1] for line in planned.splitlines() if line.strip().startswith("Modify")}
    assert {"FlowLogGroup", "InsightsLogGroup", "LogGroup"} <= changed
    assert not [line for line in planned.splitlines() if line.strip().startswith(("Add", "Remove"))]
    assert planned.count("nothing to change") == STAGING_STACKS - 3

    updated = project.ok("deploy --env staging --local --yes")
    assert updated.count(": updated, ") == 3
    groups = project.clients("staging").logs.describe_log_groups(logGroupNamePrefix="/shipping/staging/")["logGroups"]
    assert {group["retentionInDays"] for group in groups} == {60}


def test_plan_changes_nothing_and_lists_the_waiting_stacks(project: Project) -> None:
    planned = project.type("plan --env staging --local --detailed-exitcode")

    assert planned.exit_code == 4
    assert "keys: create, 3 Add" in planned.output
    assert "cluster: waits for keys, network, storage" in planned.output
    shell = describe_stack(project.clients("staging"), "shipping-staging-keys") or {}
    assert shell["StackStatus"] == "REVIEW_IN_PROGRESS"

    project.ok("deploy --env staging --local --yes")
    assert project.type("plan --env staging --local --detailed-exitcode").exit_code == 0


def test_a_changed_value_redeploys_the_stack_that_reads_it(project: Project) -> None:
    project.ok("deploy --env staging --local --yes")
    clients = project.clients("staging")
    other = clients.kms.create_key()["KeyMetadata"]["Arn"]
    clients.ssm.put_parameter(Name="/shipping/staging/keys/KeyArn", Value=other, Overwrite=True)

    planned = project.ok("plan --env staging --local")
    assert "storage: update" in planned
    project.ok("deploy --env staging --layer storage --local --yes")
    assert "storage: nothing to change" in project.ok("plan --env staging --local")


def test_the_image_that_the_pipeline_decided_survives_an_infrastructure_deployment(project: Project) -> None:
    project.ok("deploy --env staging --local --yes")
    clients, name = project.clients("staging"), "shipping-staging-service-parcel-dispatcher"
    released = f"111111111111.dkr.ecr.eu-central-1.amazonaws.com/parcel-dispatcher@sha256:{'a' * 64}"
    clients.cloudformation.update_stack(
        StackName=name,
        UsePreviousTemplate=True,
        Parameters=[{"ParameterKey": "ImageUri", "ParameterValue": released}],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    Polling(0.05).until(
        lambda: (describe_stack(clients, name) or {})["StackStatus"] == "UPDATE_COMPLETE", "the release", 30
    )
    project.edit("port = 8080", "port = 8090")
    project.ok("render")
    project.ok("deploy --env staging --local --yes")

    parameters = (describe_stack(clients, name) or {})["Parameters"]
    assert {"ParameterKey": "ImageUri", "ParameterValue": released} in parameters


def test_a_failing_resource_rolls_back_tells_the_cause_and_stops_only_what_depends_on_it(
    project: Project, failing: Fail
) -> None:
    failing("AWS::EC2::NatGateway", "create", "the quota of NAT gateways is reached")
    result = project.type("deploy --env production --local --yes")

    assert result.exit_code == 1
    assert "network: FAILED: NatGateway1 (AWS::EC2::NatGateway): " in result.output
    assert "the quota of NAT gateways is reached" in result.output
    line = (project.folder / "out/production/network.yaml").read_text().splitlines().index("  NatGateway1:") + 1
    assert f"\n      at out/production/network.yaml:{line}\n" in result.output
    assert "storage: created" in result.output
    assert "cluster: FAILED: not started, because network failed" in result.output
    assert "service-parcel-dispatcher: FAILED: not started, because cluster, " in result.output
    assert "not deployed: network, cluster, ingress-parcel-dispatcher, health-parcel-dispatcher, " in result.output
    status = {row["stack"]: row["status"] for row in json.loads(project.ok("status --local --json"))["production"]}
    assert status["network"] == "ROLLBACK_COMPLETE"


def test_after_a_failed_creation_the_same_command_succeeds(project: Project, failing: Fail, engine: Engine) -> None:
    failing("AWS::EC2::NatGateway", "create", "no luck")
    project.type("deploy --env staging --local --yes")
    (engine.folder / "failures.json").unlink()

    deployed = project.ok("deploy --env staging --local --yes")
    assert "network: created" in deployed
    assert "service-parcel-dispatcher: created" in deployed


def test_a_failing_update_keeps_the_running_version(project: Project, failing: Fail) -> None:
    project.ok("deploy --env staging --local --yes")
    failing("AWS::EC2::FlowLog", "update", "no update today")
    project.edit('cost_center = "cc-4100"', 'cost_center = "cc-4200"')
    project.ok("render")
    result = project.type("deploy --env staging --local --yes")

    assert result.exit_code == 1
    assert "network: FAILED: FlowLog (AWS::EC2::FlowLog): " in result.output
    stack = describe_stack(project.clients("staging"), "shipping-staging-network")
    assert stack is not None
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"


def test_a_refused_stack_stops_only_the_stacks_that_depend_on_it(project: Project) -> None:
    result = project.type("deploy --env staging --layer cluster --local --yes")

    assert result.exit_code == 1
    assert "cluster: FAILED: An error occurred" in result.output
    assert "/shipping/staging/" in result.output
    assert "error: not deployed: cluster; the causes are above" in result.output


def test_a_template_too_large_for_a_request_goes_through_the_uploads_bucket(project: Project) -> None:
    path = project.folder / "out/staging/network.yaml"
    path.write_text(path.read_text() + "# " + "x" * 60_000 + "\n")
    clients = project.clients("staging")

    refused = project.type("deploy --env staging --layer network --local --yes")
    assert refused.exit_code == 1
    assert (
        "/shipping/staging/storage/UploadsBucketName does not exist yet; deploy the layer storage first"
        in refused.output
    )

    project.ok("deploy --env staging --layer keys --local --yes")
    project.ok("deploy --env staging --layer storage --local --yes")
    planned = project.ok("plan --env staging --layer network --local")
    assert re.search(r"network: create, \d+ Add", planned)
    bucket = f"shipping-staging-uploads-{project.accounts['staging']}-eu-central-1"
    (uploaded,) = clients.s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert uploaded["Key"].startswith("templates/shipping-staging-network/")


def test_the_plain_commands_of_the_index_work_without_this_tool(project: Project) -> None:
    index = (project.folder / "out/README.md").read_text()
    lines = [line for line in index.replace("\\\n", "").splitlines() if line.startswith("aws cloudformation deploy")]
    words = [shlex.split(line) for line in lines]
    clients = project.clients("staging")
    for command in words:
        tags = [word.split("=", 1) for word in command[command.index("--tags") + 1 :]]
        options = dict(zip(command[3::2], command[4::2], strict=False))
        if not options["--template-file"].startswith("staging/"):
            continue
        # `aws cloudformation deploy` uses these options and no others.
        body = (project.folder / "out" / options["--template-file"]).read_text()
        answer = clients.cloudformation.create_change_set(
            StackName=options["--stack-name"],
            ChangeSetName="by-hand",
            ChangeSetType="CREATE",
            TemplateBody=body,
            Capabilities=[options["--capabilities"]],  # type: ignore[list-item] # one of the API's words
            Tags=[{"Key": key, "Value": value} for key, value in tags],
        )
        clients.cloudformation.get_waiter("change_set_create_complete").wait(
            ChangeSetName=answer["Id"], WaiterConfig={"Delay": 0, "MaxAttempts": 500}
        )
        clients.cloudformation.execute_change_set(ChangeSetName=answer["Id"])
        clients.cloudformation.get_waiter("stack_create_complete").wait(
            StackName=answer["StackId"], WaiterConfig={"Delay": 0, "MaxAttempts": 500}
        )
    rows = json.loads(project.ok("status --env staging --local --json"))["staging"]
    assert [row["status"] for row in rows] == ["CREATE_COMPLETE"] * STAGING_STACKS
    assert project.ok("deploy --env staging --local --yes").count("nothing to change") == STAGING_STACKS


def test_everything_works_with_iam_enforced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(python=ENGINE_PYTHON, auth=True) as engine:
        project = make_project(engine, tmp_path, monkeypatch)
        project.ok("deploy --env staging --local --yes")
        assert "UNEXPLAINED" not in project.ok("destroy --env staging --local --yes")


def test_declining_leaves_nothing_behind(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cicd_templates.cli.selection.confirmation", lambda yes: lambda question: False)
    result = project.type("deploy --env staging --local")

    assert result.exit_code == 1
    assert "staging: declined; no change set of this plan was executed" in result.output
    assert project.clients("staging").cloudformation.describe_stacks()["Stacks"] == []


def test_a_stack_of_somebody_else_is_not_touched(project: Project) -> None:
    clients = project.clients("staging")
    topic = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
    clients.cloudformation.create_stack(StackName="shipping-staging-keys", TemplateBody=topic)

    for command in ("deploy", "destroy", "plan"):
        result = project.type(f"{command} --env staging --layer keys --local" + (" --yes" if command != "plan" else ""))
        assert result.exit_code == 3, result.output
        assert "a stack of this name exists, but does not have both tags ManagedBy=cicd-templates" in result.output
    assert describe_stack(clients, "shipping-staging-keys") is not None


def test_outputs_and_json_lines_can_be_read_by_programs(project: Project) -> None:
    lines = project.ok("deploy --env staging --local --yes --json").splitlines()
    events = [json.loads(line) for line in lines]
    assert {event["kind"] for event in events} == {"heading", "planned", "started", "moved", "succeeded", "note"}

    outputs = json.loads(project.ok("outputs --local --json"))
    assert outputs["staging"]["network"]["VpcId"].startswith("vpc-")
    assert outputs["production"] == {}
    text = project.ok("outputs --local")
    assert "production: nothing is deployed" in text
    assert re.search(r"VpcId +vpc-", text)
    planned = [json.loads(line) for line in project.ok("plan --env staging --local --json").splitlines()]
    assert [event["kind"] for event in planned] == ["heading"] + ["unchanged"] * STAGING_STACKS


def test_a_copy_is_deployed_beside_its_original(project: Project) -> None:
    project.ok("deploy --env staging --layer keys --local --yes")
    project.ok("render --suffix pr4918")
    assert (project.folder / "build/pr4918/staging-pr4918/keys.yaml").exists()
    project.ok("deploy --env staging --suffix pr4918 --local --yes")
    project.ok("destroy --env staging --suffix pr4918 --local --yes")

    rows = json.loads(project.ok("status --env staging --layer keys --local --json"))["staging"]
    assert rows[0]["status"] == "CREATE_COMPLETE"
