"""The policies of a deploying principal allow every call and handler, without wildcard actions, within IAM's limit."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cicd_templates.cli import main
from cicd_templates.deploy.permissions.action_resources import TYPE_OF_KIND, EnvironmentNames, scope
from cicd_templates.deploy.permissions.handler_actions import handler_actions, is_action, resource_kinds
from cicd_templates.deploy.permissions.own_calls import DEPLOY_ACTIONS, DESTROY_ACTIONS, UNLOCKING_ACTIONS
from cicd_templates.deploy.permissions.policies import SIZE_LIMIT, policies, size
from cicd_templates.template.resource_types.registry import facts_of
from cicd_templates.template.stack_template import StackTemplate, parse_template
from tests.conftest import PROJECT, ROOT, rendered_stacks
from tests.fakes.iam_policies import action_of, allows, model_of
from tests.projects.expressions import CHOSEN, either
from tests.projects.stacks import stacks_of

NAMES = ("tools", "staging", "production")
ENVIRONMENTS = {name: stacks_of(name) for name in NAMES}
# A project with databases, whose deployers need most.
LEDGER = {f"{name} with databases": stacks_of(name, "databases") for name in NAMES}
EVERY = ENVIRONMENTS | LEDGER
STAGING = ENVIRONMENTS["staging"]
DISPOSABLE = (("environments/tools/protection", "disposable"),)


def statements(stacks: list[StackTemplate]) -> list[dict[str, Any]]:
    return [statement for document in policies(stacks).values() for statement in document["Statement"]]


def test_databases_need_the_default_groups_of_rds_and_a_secret_that_rds_names() -> None:
    place = "eu-central-1:222222222222"
    names = EnvironmentNames("aws", "eu-central-1", "222222222222", "shipping-staging", "/shipping/staging/", "/", {})
    having = replace(names, databases=True)

    def added(action: str) -> set[str]:
        kinds = resource_kinds(action)
        return set(scope(action, kinds, having)) - set(scope(action, kinds, names))

    assert added("rds:CreateDBInstance") == {f"arn:aws:rds:{place}:{kind}:default*" for kind in ("og", "pg")}
    assert added("rds:DeleteDBCluster") == set()
    assert added("secretsmanager:CreateSecret") == {f"arn:aws:secretsmanager:{place}:secret:rds!*"}
    assert added("secretsmanager:DeleteSecret") == set()
    assert added("kms:CreateGrant") == set()
    assert f"arn:aws:rds:{place}:cluster-snapshot:shipping-staging-*" in scope(
        "rds:CreateDBClusterSnapshot", resource_kinds("rds:CreateDBClusterSnapshot"), names
    )


@pytest.mark.parametrize("stacks", EVERY.values(), ids=EVERY)
def test_no_action_is_a_wildcard_and_each_document_fits(stacks: list[StackTemplate]) -> None:
    documents = policies(stacks)
    allowed = [statement for statement in statements(stacks) if statement["Effect"] == "Allow"]
    actions = [action for statement in allowed for action in statement["Action"]]

    assert all(size(document["Statement"]) <= SIZE_LIMIT for document in documents.values())
    assert len(documents) <= 4
    assert not [action for action in actions if "*" in action or not is_action(action)]
    assert len(set(actions)) == len(actions)


@pytest.mark.parametrize(
    ("environment", "edits", "destroying", "may"),
    [
        pytest.param("tools", DISPOSABLE, True, True, id="disposable and locked"),
        pytest.param("tools", DISPOSABLE, False, False, id="only deploys"),
        pytest.param("tools", (), True, False, id="protected and locked"),
        pytest.param("staging", (), True, False, id="disposable without a lock"),
        pytest.param("tools", (("evidence/lock_days", ...),), True, False, id="protected without a lock"),
    ],
)
def test_only_who_destroys_locked_evidence_that_may_be_lost_may_unlock_it(
    environment: str, edits: tuple[tuple[str, Any], ...], destroying: bool, may: bool
) -> None:
    rendered = [stack for stack in rendered_stacks(*edits) if stack.environment.name == environment]
    stacks = [parse_template(Path(stack.path), stack.text) for stack in rendered]
    documents = policies(stacks, destroying=destroying)
    allowed = [
        statement
        for document in documents.values()
        for statement in document["Statement"]
        if set(UNLOCKING_ACTIONS) & set(statement["Action"])
    ]

    assert bool(allowed) == may
    for statement in allowed:
        assert statement["Effect"] == "Allow"
        assert all(resource.startswith("arn:aws:s3:::") for resource in statement["Resource"])


@pytest.mark.parametrize("stacks", EVERY.values(), ids=EVERY)
def test_every_resource_with_a_name_is_within_the_places_that_are_allowed(stacks: list[StackTemplate]) -> None:
    names = EnvironmentNames.of(stacks)
    for stack in stacks:
        for resource in stack.resources.values():
            facts = facts_of(resource["Type"])
            value = resource.get("Properties", {}).get(facts.name_property)
            if isinstance(value, str) and facts.arns and not value.startswith("/aws/"):
                usual = facts.names_in_environment.format(prefix=names.prefix, path=names.path)
                assert fnmatchcase(value.removeprefix("alias/"), usual), (stack.label, value)


def test_what_has_names_of_ours_is_allowed_on_these_alone() -> None:
    by_action = {action: each["Resource"] for each in statements(STAGING) for action in each["Action"]}

    assert by_action["iam:CreateRole"] == ["arn:aws:iam::222222222222:role/shipping-staging-*"]
    assert by_action["s3:CreateBucket"] == ["arn:aws:s3:::shipping-staging-*"]
    assert by_action["ssm:PutParameter"] == ["arn:aws:ssm:eu-central-1:222222222222:parameter/shipping/staging/*"]
    assert by_action["cloudformation:CreateChangeSet"] == [
        "arn:aws:cloudformation:eu-central-1:222222222222:stack/shipping-staging-*"
    ]
    assert by_action["iam:CreateServiceLinkedRole"] == ["arn:aws:iam::222222222222:role/aws-service-role/*"]
    assert by_action["ec2:CreateVpc"] == ["*"]


@pytest.mark.parametrize("region", ["eu-central-1", "us-gov-west-1"])
def test_scaling_is_suspended_in_this_account_and_region_and_for_services_of_ecs_alone(region: str) -> None:
    moved = [replace(stack, facts=stack.facts._replace(region=region)) for stack in STAGING]
    documents = policies(moved, destroying=True)
    partition = "aws-us-gov" if "gov" in region else "aws"
    (scaling,) = [
        each
        for document in documents.values()
        for each in document["Statement"]
        if "application-autoscaling:RegisterScalableTarget" in each["Action"]
    ]

    assert scaling["Resource"] == [f"arn:{partition}:application-autoscaling:{region}:222222222222:scalable-target/*"]
    target = scaling["Resource"][0].replace("*", "0ec5")
    for namespace, allowed in (("ecs", True), ("dynamodb", False)):
        context = {"application-autoscaling:service-namespace": namespace}
        assert allows([{"Statement": [scaling]}], scaling["Action"][0], target, context) == allowed
    # What has no resource level has no condition either.
    described = [each for document in documents.values() for each in document["Statement"] if each["Resource"] == ["*"]]
    assert not [each for each in described if "Condition" in each]


def test_a_role_may_be_passed_only_to_services_that_the_templates_let_assume_one() -> None:
    (passing,) = [each for each in statements(STAGING) if each["Action"] == ["iam:PassRole"]]
    services = passing["Condition"]["StringEquals"]["iam:PassedToService"]

    assert passing["Resource"] == ["arn:aws:iam::222222222222:role/shipping-staging-*"]
    assert {"cloudformation.amazonaws.com", "ecs-tasks.amazonaws.com"} <= set(services)
    keys = [stack for stack in STAGING if stack.layer == "keys"]
    assert statements(keys)[-1]["Condition"] == {"StringEquals": {"iam:PassedToService": []}}


@pytest.mark.parametrize(
    "listed",
    [
        pytest.param({"Principal": {"Service": "a.amazonaws.com"}}, id="a statement without a list"),
        pytest.param(
            [{"Principal": "*"}, either({"Principal": {"Service": ["a.amazonaws.com", CHOSEN]}})], id="branch"
        ),
    ],
)
def test_a_service_counts_however_a_trust_policy_names_it(listed: Any) -> None:
    content = {
        "Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": listed}}}
        }
    }
    (passing,) = [
        each for each in statements([replace(STAGING[0], content=content)]) if each["Action"] == ["iam:PassRole"]
    ]

    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": ["a.amazonaws.com"]}}


def test_the_principal_needs_no_action_that_a_separate_role_performs() -> None:
    actions = {action for each in statements(STAGING) for action in each["Action"]}

    assert "ecs:CreateCluster" in actions
    assert "ecs:CreateService" not in actions


def test_features_that_no_template_uses_are_left_out() -> None:
    assert any(action.startswith("s3tables:") for action in handler_actions(["AWS::S3::Bucket"], "eu-central-1"))
    assert not [each for each in statements(STAGING) if each["Action"][0].startswith("s3tables:")]


def test_a_type_without_listed_handlers_has_its_actions_all_the_same() -> None:
    actions = {action for each in statements(ENVIRONMENTS["tools"]) for action in each["Action"]}

    assert {"codebuild:CreateProject", "codebuild:UpdateProject"} <= actions


@pytest.mark.parametrize("stacks", EVERY.values(), ids=EVERY)
def test_no_deployer_may_replace_the_change_set_that_a_pipeline_executes(stacks: list[StackTemplate]) -> None:
    denied = [
        statement
        for document in policies(stacks).values()
        for statement in document["Statement"]
        if statement["Effect"] == "Deny"
    ]
    (statement,) = denied
    patterns = statement["Condition"]["StringLike"]["cloudformation:ChangeSetName"]
    names = {
        name
        for stack in stacks
        for resource in stack.resources.values()
        for policy in resource["Properties"].get("Policies", ())
        for granted in policy["PolicyDocument"]["Statement"]
        for name in [granted.get("Condition", {}).get("StringEqualsIfExists", {}).get("cloudformation:ChangeSetName")]
        if name
    }

    assert statement["Action"] == [f"cloudformation:{verb}ChangeSet" for verb in ("Create", "Delete", "Execute")]
    assert all(arn.startswith("arn:") and ":stack/" in arn for arn in statement["Resource"])
    assert all(fnmatchcase(name, patterns[0]) for name in names)
    assert fnmatchcase(
        f"arn:aws:cloudformation:eu-central-1:1:changeSet/{patterns[0].replace('*', 'a')}/1", patterns[1]
    )
    # The deployer's own change sets have another name.
    assert not fnmatchcase("cicd-templates-1a2b3c4d", patterns[0])


def test_every_kind_that_is_limited_is_one_that_iam_knows() -> None:
    from cicd_templates.deploy.permissions.handler_actions import _authorization_reference

    reference = _authorization_reference()
    known = {(service, kind.lower()) for service in reference for kind in reference[service]["Resources"]}
    assert TYPE_OF_KIND.keys() <= known
    names = EnvironmentNames.of(STAGING)
    assert scope("ec2:DescribeVpcs", resource_kinds("ec2:DescribeVpcs"), names) == ("*",)


@pytest.mark.parametrize(("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")])
def test_other_partitions_have_their_own_arns(region: str, partition: str) -> None:
    moved = replace(STAGING[0], facts=STAGING[0].facts._replace(region=region))

    names = EnvironmentNames.of([moved])
    assert [*names.arn_patterns(facts_of("AWS::S3::Bucket"), "bucket")] == [f"arn:{partition}:s3:::shipping-staging-*"]


def test_a_statement_that_fits_nowhere_is_cut() -> None:
    from cicd_templates.deploy.permissions.policies import _documents_within_limit

    long = {"Effect": "Allow", "Action": [f"s3:Action{number:0200}" for number in range(40)], "Resource": ["*"]}
    groups = _documents_within_limit([long])

    assert len(groups) > 1
    assert [action for group in groups for each in group for action in each["Action"]] == long["Action"]
    assert all(size(group) <= SIZE_LIMIT for group in groups)


def called() -> set[str]:
    """Return the IAM actions of every call in the deployer's source."""
    found = set()
    for path in (ROOT / "src/cicd_templates/deploy").rglob("*.py"):
        text = path.read_text()
        for service, operation, paginated in re.findall(r"\b(?:clients\.)?(\w+)\.(\w+)\((?:\s*\"(\w+)\"\))?", text):
            model = model_of(service)
            name = paginated if operation == "get_paginator" else operation
            if model is not None and name in model:
                found.add(action_of(service, name))
    return found


def test_every_call_of_the_deployer_is_in_the_policy() -> None:
    found = called()

    assert len(found) > 50
    # Whoever adds a call to the deployer adds its action to permissions/own_calls.py. Only `local_clients_as` calls
    # AssumeRole, on the local AWS. On AWS, botocore assumes the role with the user's own credentials.
    assert found - {*DEPLOY_ACTIONS, *DESTROY_ACTIONS} == {"sts:AssumeRole"}
    assert set(DESTROY_ACTIONS) <= found - set(DEPLOY_ACTIONS)


def test_who_destroys_needs_more_than_who_deploys() -> None:
    def allowed(**options: bool) -> set[str]:
        documents = policies(STAGING, **options).values()
        return {action for document in documents for each in document["Statement"] for action in each["Action"]}

    assert allowed(destroying=True) - allowed() <= set(DESTROY_ACTIONS)
    assert "ecs:DeleteTaskDefinitions" in allowed(destroying=True) - allowed()


@pytest.mark.parametrize("name", EVERY)
def test_who_destroys_may_sweep_copies_with_any_suffix_and_no_other_environment(name: str) -> None:
    first = EVERY[name][0]
    project, environment = first.facts.project, first.environment
    documents = {False: policies(EVERY[name]), True: policies(EVERY[name], destroying=True)}

    def may(action: str, resource: str, *, destroying: bool = False) -> bool:
        service = action.partition(":")[0]
        kind = {"ssm": "parameter", "logs": "log-group:"}[service]
        arn = f"arn:aws:{service}:eu-central-1:{first.account}:{kind}{resource}"
        return allows(documents[destroying].values(), action, arn)

    for action in ("ssm:GetParametersByPath", "ssm:DeleteParameter", "logs:DeleteLogGroup"):
        assert may(action, f"/{project}/{environment}-pr1/keys", destroying=True)
        assert may(action, f"/{project}/{environment}/keys", destroying=True)
        assert not may(action, f"/{project}/{environment}-pr1/keys")
        for other in (f"/{project}/other/keys", f"/{project}/other-pr1/keys", f"/another/{environment}-pr1/keys"):
            assert not may(action, other, destroying=True)


@pytest.mark.no_cover
@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("path", ["/{0}/{1}", "/{0}/{1}/"])
def test_parameters_are_read_by_path_whether_or_not_iam_keeps_the_last_slash(name: str, path: str) -> None:
    first = EVERY[name][0]
    project, environment = first.facts.project, first.environment
    arn = f"arn:aws:ssm:eu-central-1:{first.account}:parameter"

    def may(action: str, resource: str) -> bool:
        return allows(policies(EVERY[name]).values(), action, f"{arn}{resource}")

    assert may("ssm:GetParametersByPath", path.format(project, environment))
    for other in (f"{environment}-pr1", f"{environment}2", "other"):
        assert not may("ssm:GetParametersByPath", path.format(project, other))
    assert not may("ssm:PutParameter", f"/{project}/{environment}")


def test_the_command_prints_all_or_one_and_says_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    every = CliRunner().invoke(main, ["deploy-policy", "--env", "staging"])
    documents = json.loads(every.stdout)
    assert list(documents) == [f"shipping-staging-deploy-{number}" for number in range(1, len(documents) + 1)]
    assert every.stderr == (
        f"{len(documents)} policies, because a managed policy holds at most 6,144 characters: attach all of them;"
        " --part N prints only one policy\n"
    )
    one = CliRunner().invoke(main, ["deploy-policy", "--env", "staging", "--part", "2"])
    assert json.loads(one.stdout) == documents["shipping-staging-deploy-2"]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ([], "error: which environment is to be deployed? Name it with --env\n"),
        (["--env", "staging", "--part", "9"], "error: part 9 does not exist; the policies of staging have "),
        (["--env", "qa"], "error: no environment 'qa'"),
    ],
)
def test_a_wrong_call_gets_one_line(words: list[str], error: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    result = CliRunner().invoke(main, ["deploy-policy", *words])

    assert (result.exit_code, result.stderr.startswith(error)) == (2, True)


def test_where_one_policy_is_enough_there_is_nothing_to_attach_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [stack for stack in STAGING if stack.layer == "keys"]
    monkeypatch.chdir(PROJECT)
    monkeypatch.setattr("cicd_templates.deploy.change_sets.rendered_stacks.read_stacks", lambda folder: keys)
    # Of an environment of one stack, the deployer's own calls are most, and they are a little too many.
    monkeypatch.setattr("cicd_templates.deploy.permissions.policies.SIZE_LIMIT", 2 * SIZE_LIMIT)
    result = CliRunner().invoke(main, ["deploy-policy", "--env", "staging"])

    assert (len(json.loads(result.stdout)), result.stderr) == (1, "")


def test_a_pipeline_from_a_connection_may_be_created_with_that_connection_and_no_other() -> None:
    connection = "arn:aws:codeconnections:eu-central-1:111111111111:connection/1"
    tools = ENVIRONMENTS["tools"]
    pipeline = next(stack for stack in tools if stack.layer == "pipeline")
    content = copy.deepcopy(dict(pipeline.content))
    source = content["Resources"]["Pipeline"]["Properties"]["Stages"][0]["Actions"][0]
    source["Configuration"] = {"ConnectionArn": either(connection, CHOSEN)}
    passing = [each for each in statements([replace(pipeline, content=content)]) if "PassConnection" in str(each)]

    assert passing == [
        {
            "Effect": "Allow",
            "Action": ["codeconnections:PassConnection", "codestar-connections:PassConnection"],
            "Resource": [connection],
        }
    ]
    assert all(is_action(action) for action in passing[0]["Action"])
    assert "PassConnection" not in str(statements(tools))
