"""The effect of a setting on the layers of the pipeline."""

from __future__ import annotations

import json
import re
import tomllib
from fnmatch import fnmatchcase
from types import ModuleType
from typing import Any

import pytest

from cicd_templates.config.load import parse_configuration
from cicd_templates.config.reserved_words import AFTER_A_SERVICE, OF_AN_ENVIRONMENT
from cicd_templates.errors import ConfigurationError
from cicd_templates.template import cloudformation_yaml
from templates import (
    access,
    build,
    keys,
    monitoring,
    notifications,
    pipeline,
    registry,
    review,
    scan_gate,
    scanning,
    storage,
)
from tests.conftest import ROOT, configured, environment, raw_configuration, rendered_stacks

SERVICE = "services/parcel-dispatcher"
CONNECTION = "arn:aws:codeconnections:eu-central-1:111111111111:connection/1"
REPOSITORY = {"repository": "me/pay", "connection_arn": CONNECTION}
GITHUB = [(f"{SERVICE}/source", "github"), (f"{SERVICE}/github", REPOSITORY)]
# Nobody approves where nothing is protected.
OPEN = [
    ("environments/production/protection", "disposable"),
    ("environments/production/deployment_window", ...),
]


def resources_of(layer: ModuleType, *edits: tuple[str, Any]) -> dict[str, Any]:
    env = environment("tools", *edits)
    built = layer.build(env) if layer in (keys, notifications, storage) else layer.build(env, env.services[0])
    resources: dict[str, Any] = built.template.to_dict()["Resources"]
    return resources


def stages(*edits: tuple[str, Any]) -> dict[str, dict[str, Any]]:
    declared = resources_of(pipeline, *edits)["Pipeline"]["Properties"]["Stages"]
    return {stage["Name"]: stage for stage in declared}


@pytest.mark.parametrize(
    ("parallel", "orders"), [(1, [1, 2, 3, 4, 5]), (2, [1, 1, 2, 2, 3]), (5, [1] * 5), (50, [1] * 5)]
)
def test_checks_run_as_many_at_once_as_the_quota_allows(parallel: int, orders: list[int]) -> None:
    verify = stages(("pipeline/verify_parallelism", parallel))["Verify"]

    assert [action["RunOrder"] for action in verify["Actions"]] == orders
    assert verify["OnFailure"] == {"Result": "RETRY", "RetryConfiguration": {"RetryMode": "FAILED_ACTIONS"}}


def test_a_connection_is_a_source_that_starts_nothing_by_itself() -> None:
    resources = resources_of(pipeline, *GITHUB)
    app, templates = resources["Pipeline"]["Properties"]["Stages"][0]["Actions"]

    assert app["ActionTypeId"]["Provider"] == "CodeStarSourceConnection"
    assert app["Configuration"] == {
        "ConnectionArn": CONNECTION,
        "FullRepositoryId": "me/pay",
        "BranchName": "main",
        "DetectChanges": "false",
        "OutputArtifactFormat": "CODE_ZIP",
    }
    assert templates["ActionTypeId"]["Provider"] == "S3"
    assert not {"StartRule", "StartRole"} & resources.keys()
    (policy,) = resources["AppActionRole"]["Properties"]["Policies"]
    statements = {each["Sid"]: each for each in policy["PolicyDocument"]["Statement"]}
    assert statements["UseTheConnection"]["Resource"] == [CONNECTION]
    # Without it the upload of a connection's source is denied; no other source needs it.
    assert statements["NameTheOwnerOfTheSource"]["Action"] == ["s3:PutObjectAcl"]
    assert "s3:PutObjectAcl" not in str(resources_of(pipeline))


def test_a_commit_is_the_version_of_a_connection() -> None:
    gate = stages(*GITHUB)["Gate"]["Actions"][0]

    assert "#{App.CommitId}" in gate["Configuration"]["UserParameters"]
    assert "#{App.VersionId}" in stages()["Gate"]["Actions"][0]["Configuration"]["UserParameters"]


def test_a_placeholder_may_be_rendered_where_nothing_is_protected() -> None:
    edits = [*OPEN, (f"{SERVICE}/source", "github"), (f"{SERVICE}/github", {"connection_arn": CONNECTION})]
    resources = resources_of(pipeline, *edits)
    app = resources["Pipeline"]["Properties"]["Stages"][0]["Actions"][0]

    assert app["Configuration"]["FullRepositoryId"] == "octocat/Hello-World"
    assert "is a placeholder" in resources["Pipeline"]["Metadata"]["Why"][0]
    assert "Why" not in resources_of(pipeline, *GITHUB)["Pipeline"]["Metadata"]


def test_the_path_decides_the_stages_and_what_is_protected_is_approved() -> None:
    assert list(stages(*OPEN)) == ["Source", "Verify", "Gate", "Build", "Staging", "Production"]
    assert stages(*OPEN)["Production"]["OnFailure"] == {"Result": "ROLLBACK"}
    assert resources_of(pipeline, *OPEN)["Pipeline"]["Metadata"] == {"ProtectedStages": []}
    assert resources_of(pipeline)["Pipeline"]["Metadata"] == {"ProtectedStages": ["Production"]}
    only = stages(("pipeline/path", ["production"]))
    assert list(only)[-2:] == ["Production-Window", "Production"]
    assert [action["Name"] for action in only["Production"]["Actions"]] == [
        "Prepare",
        "ReviewProduction",
        "Approve",
        "CheckProduction",
        "Execute",
        "AttestProduction",
    ]


def test_without_a_protected_environment_nobody_reviews_or_approves() -> None:
    configuration = configured(*OPEN)
    tools = configured(*OPEN).environment("tools")
    assert tools is not None
    assert configuration.environment("production") is not None

    assert not review.approves(tools)
    assert "Review" not in resources_of(review, *OPEN)
    assert "ReviewErrors" not in resources_of(monitoring, *OPEN)
    assert "ProductionApprovers" not in resources_of(notifications, *OPEN)
    allowed = [
        action
        for statement in resources_of(access, *OPEN)["ApproversPolicy"]["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
        for action in statement["Action"]
    ]
    assert "codepipeline:PutApprovalResult" not in allowed


def test_approvers_are_those_of_the_environment_that_they_approve() -> None:
    resources = resources_of(notifications)
    asked = [
        each["Properties"]["Endpoint"]
        for name, each in resources.items()
        if name.startswith("ProductionApproversSubscription")
    ]

    assert asked == ["shipping-release-managers@example.com"]


def test_github_actions_may_put_the_release_and_list_its_runs_and_nothing_else() -> None:
    edits = [(f"{SERVICE}/github", {"repository": "me/pay", "branch": "release", "releases": True})]
    role = resources_of(access, *edits)["GithubReleaseRole"]["Properties"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    (policy,) = role["Policies"]

    assert trust["Action"] == ["sts:AssumeRoleWithWebIdentity"]
    assert trust["Condition"]["StringEquals"] == {
        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
        "token.actions.githubusercontent.com:sub": "repo:me/pay:ref:refs/heads/release",
    }
    statements = policy["PolicyDocument"]["Statement"]
    assert [each["Sid"] for each in statements] == ["ReleaseTheSource", "EncryptTheSource", "FollowTheRun"]
    assert statements[2]["Action"] == ["codepipeline:ListPipelineExecutions"]
    assert [each["Fn::Sub"].rpartition(":")[2] for each in statements[2]["Resource"]] == [
        "parcel-dispatcher-shipping-tools"
    ]
    assert statements[0]["Resource"] == [
        {"Fn::Sub": "arn:${AWS::Partition}:s3:::${SourceBucketName}/parcel-dispatcher/source.zip"}
    ]
    assert "GithubReleaseRole" not in resources_of(access)


def test_functions_reserve_concurrency_only_if_asked() -> None:
    functions = {
        each["Properties"]["FunctionName"]: each
        for layer in (scan_gate, review, monitoring)
        for each in resources_of(layer).values()
        if each["Type"] == "AWS::Lambda::Function"
    }
    asked = resources_of(scan_gate, ("pipeline/reserve_concurrency", True))["ScanGate"]

    # A new account, whose quota is 10, cannot reserve any.
    assert len(functions) == 5
    assert not any("ReservedConcurrentExecutions" in each["Properties"] for each in functions.values())
    assert all("CKV_AWS_115" in str(each["Metadata"]) for each in functions.values())
    assert asked["Properties"]["ReservedConcurrentExecutions"] == 2
    assert "CKV_AWS_115" not in str(asked["Metadata"])


def test_a_project_that_names_a_report_group_may_create_that_group_and_no_other() -> None:
    resources = resources_of(build)
    groups = {
        each["Properties"]["Name"] for each in resources.values() if each["Type"] == "AWS::CodeBuild::ReportGroup"
    }
    creating = {
        name: statement["Resource"]
        for name, each in resources.items()
        if each["Type"] == "AWS::IAM::Role"
        for statement in each["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        if "codebuild:CreateReportGroup" in statement["Action"]
    }
    naming = {
        name
        for name, each in resources.items()
        if each["Type"] == "AWS::CodeBuild::Project" and "\nreports:" in each["Properties"]["Source"]["BuildSpec"]
    }

    assert {f"{name}Role" for name in naming} == creating.keys() != set()
    assert {each["Fn::Sub"].rpartition("report-group/")[2] for (each,) in creating.values()} == groups


def test_the_trust_of_the_pipelines_role_holds_whether_or_not_codepipeline_sends_the_source() -> None:
    (trust,) = resources_of(pipeline)["PipelineRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]

    assert trust["Condition"] == {
        "StringEqualsIfExists": {"aws:SourceAccount": "111111111111"},
        "ArnEqualsIfExists": {
            "aws:SourceArn": {
                "Fn::Sub": "arn:${AWS::Partition}:codepipeline:eu-central-1:111111111111:"
                "parcel-dispatcher-shipping-tools"
            }
        },
    }


def test_no_two_projects_share_a_cache_and_each_reaches_only_its_own() -> None:
    resources = resources_of(build)
    cached = {
        name: each["Properties"]["Cache"]
        for name, each in resources.items()
        if each["Type"] == "AWS::CodeBuild::Project" and each["Properties"].get("Cache", {}).get("Type") == "S3"
    }
    places = [cache["Location"]["Fn::Sub"] for cache in cached.values()]

    assert len(set(places)) == len(places) == 6
    # CodeBuild shares a cache between projects only under one cache key, which none of them has.
    assert not any("CacheNamespace" in cache for cache in cached.values())
    for name, cache in cached.items():
        text = json.dumps(resources[f"{name}Role"]["Properties"]["Policies"])
        assert set(re.findall(r"\$\{CacheBucketName\}[^\"]*", text)) == {f"{cache['Location']['Fn::Sub']}/*"}


def test_source_actions_may_copy_the_tags_of_what_they_read() -> None:
    resources = resources_of(pipeline)
    for role in ("AppActionRole", "TemplatesActionRole"):
        (policy,) = resources[role]["Properties"]["Policies"]
        actions = {each["Sid"]: each["Action"] for each in policy["PolicyDocument"]["Statement"]}

        assert {"s3:GetObjectTagging", "s3:GetObjectVersionTagging"} <= set(actions["ReadTheSource"])
        assert actions["HandOnTheSource"] == ["s3:PutObject", "s3:PutObjectTagging"]


def test_the_artifact_of_the_last_good_release_is_kept_for_longer_than_a_year() -> None:
    rules = resources_of(storage)["Artifacts"]["Properties"]["LifecycleConfiguration"]["Rules"]

    assert [each["ExpirationInDays"] for each in rules if each["Id"] == "ExpireObjects"] == [400]


def test_success_says_nothing_that_is_false_of_a_rollback() -> None:
    targets = resources_of(monitoring)["RunSucceededRule"]["Properties"]["Targets"]

    # The event of a success does not say whether the run was a rollback of one stage.
    for target in targets:
        template = target["InputTransformer"]["InputTemplate"]
        assert template.startswith('"parcel-dispatcher: run <execution> has succeeded. https://')


def test_the_second_gate_may_start_a_scan_of_its_own_repository() -> None:
    (policy,) = resources_of(build)["ImageScanRole"]["Properties"]["Policies"]
    (again,) = [each for each in policy["PolicyDocument"]["Statement"] if each["Sid"] == "ScanItAgain"]

    assert again["Action"] == ["ecr:StartImageScan"]
    assert again["Resource"][0]["Fn::Sub"].endswith(":repository/shipping-tools-parcel-dispatcher")


def test_every_variable_of_the_gate_is_a_string() -> None:
    variables = resources_of(scan_gate)["ScanGate"]["Properties"]["Environment"]["Variables"]

    assert {name: value for name, value in variables.items() if not isinstance(value, str | dict)} == {}


def test_the_gate_knows_the_checks_that_must_have_reported() -> None:
    variables = resources_of(scan_gate)["ScanGate"]["Properties"]["Environment"]["Variables"]

    assert json.loads(variables["CHECKS"]) == {
        "UnitTestsReport": ["unit-tests", "junit", "pytest"],
        "BanditReport": ["bandit", "bandit", "bandit"],
        "SafetyReport": ["safety", "safety", "safety"],
        "SnykReport": ["snyk", "snyk", "snyk"],
        "SecretsReport": ["secrets", "detect-secrets", "detect-secrets"],
    }


def test_a_check_without_secrets_reads_none() -> None:
    edits = [(f"{SERVICE}/checks", {"bandit": {"preset": "bandit"}})]
    resources = resources_of(build, *edits)

    assert not [name for name, each in resources.items() if each["Type"] == "AWS::SecretsManager::Secret"]
    assert "BanditReports" not in resources


def test_the_registry_is_set_only_where_it_is_asked_for_and_never_by_a_copy() -> None:
    asked = ("pipeline/enhanced_scanning", True)
    tools = environment("tools", asked)
    (resource,) = scanning.build(tools).template.to_dict()["Resources"].values()

    assert resource["Type"] == "AWS::ECR::RegistryScanningConfiguration"
    assert resource["Properties"]["ScanType"] == "ENHANCED"
    (rule,) = resource["Properties"]["Rules"]
    repository = resources_of(registry, asked)["Images"]["Properties"]["RepositoryName"]
    assert fnmatchcase(repository, rule["RepositoryFilters"][0]["Filter"])
    assert scanning.exists(tools)
    assert not scanning.exists(environment("tools"))
    copy = configured(asked, suffix="pr1").environment("tools")
    assert copy is not None
    assert not scanning.exists(copy)


def test_the_second_gate_may_read_what_inspector_found_where_it_looks() -> None:
    def sids(*edits: tuple[str, Any]) -> set[str]:
        (policy,) = resources_of(build, *edits)["ImageScanRole"]["Properties"]["Policies"]
        return {each["Sid"] for each in policy["PolicyDocument"]["Statement"]}

    assert sids(("pipeline/enhanced_scanning", True)) - sids() == {"ReadWhatInspectorFound"}


@pytest.mark.parametrize("name", ["execution-api", "action-source-x"])
def test_a_service_is_not_named_as_roles_are_that_a_pattern_knows(name: str) -> None:
    more = {"path_pattern": "/more/*", "checks": {"bandit": {"preset": "bandit"}}}
    with pytest.raises(ConfigurationError, match=f"services.{name}: resources of {name} could get the same names "):
        configured((f"services/{name}", more))


def test_with_the_longest_names_the_source_roles_are_still_those_of_the_pattern() -> None:
    more = {"path_pattern": "/more/*", "checks": {"bandit": {"preset": "bandit"}}}
    edits = [("project/name", "p" * 16), (f"services/{'s' * 24}", more)]
    tools = configured(*edits, suffix="s" * 10).environment("tools")
    assert tools is not None
    of = next(each for each in tools.services if each.name == "s" * 24)
    roles = pipeline.build(tools, of).template.to_dict()["Resources"]
    policy = storage.build(tools).template.to_dict()["Resources"]["ArtifactsPolicy"]["Properties"]["PolicyDocument"]
    (denial,) = [each for each in policy["Statement"] if each["Sid"] == "RefuseToReplaceSources"]
    sources = denial["Condition"]["ArnNotLike"]["aws:PrincipalArn"][0]["Fn::Sub"].rpartition("/")[2]

    for logical_id in ("AppActionRole", "TemplatesActionRole"):
        assert len(roles[logical_id]["Properties"]["RoleName"]) <= 64
        assert fnmatchcase(roles[logical_id]["Properties"]["RoleName"], sources)


def test_with_the_longest_names_the_pipelines_role_is_still_that_of_the_pattern() -> None:
    more = {"path_pattern": "/more/*", "checks": {"bandit": {"preset": "bandit"}}}
    tools = configured(("project/name", "p" * 16), (f"services/{'s' * 24}", more), suffix="s" * 10).environment("tools")
    assert tools is not None
    of = next(each for each in tools.services if each.name == "s" * 24)
    role = pipeline.build(tools, of).template.to_dict()["Resources"]["PipelineRole"]["Properties"]["RoleName"]
    policy = storage.build(tools).template.to_dict()["Resources"]["ArtifactsPolicy"]["Properties"]["PolicyDocument"]
    (denial,) = [each for each in policy["Statement"] if each["Sid"] == "RefuseToReplaceSources"]
    pattern = denial["Condition"]["ArnNotLike"]["aws:PrincipalArn"][1]["Fn::Sub"].rpartition("/")[2]

    assert len(role) <= 64
    assert fnmatchcase(role, pattern)


NEIGHBOURS = ["parcels-a", "parcels-b", "parcel-dispatcher-eu-w", "parcel-dispatcher-eu-n"]


def test_no_role_of_one_service_reaches_an_artifact_of_another() -> None:
    more = [
        (f"services/{name}", {"path_pattern": f"/{at}/*", "checks": {"bandit": {"preset": "bandit"}}})
        for at, name in enumerate(NEIGHBOURS, start=20)
    ]
    tools = configured(*more).environment("tools")
    assert tools is not None
    patterns, keys_of = {}, {}
    for service in tools.services:
        resources = [
            resource
            for layer in (build, pipeline, scan_gate)
            for resource in layer.build(tools, service).template.to_dict()["Resources"].values()
        ]
        patterns[service.name] = {
            pattern
            for resource in resources
            for policy in resource["Properties"].get("Policies", ())
            for pattern in re.findall(r"\$\{ArtifactsBucketName\}/([^\"]+)\"", json.dumps(policy))
        }
        (name,) = [each["Properties"]["Name"] for each in resources if each["Type"] == "AWS::CodePipeline::Pipeline"]
        keys_of[service.name] = [f"{name[:20]}/{artifact}/aB3dE5f" for artifact in ("App", "Templates", "BanditRepo")]

    assert all(len(patterns[name]) >= 4 for name in patterns)
    for name, own in patterns.items():
        for other, object_keys in keys_of.items():
            reached = [any(fnmatchcase(key, pattern) for pattern in own) for key in object_keys]
            assert reached == [name == other] * 3, (name, other)


def test_a_check_named_like_a_pipeline_is_not_admitted_to_the_sources() -> None:
    policy = resources_of(storage)["ArtifactsPolicy"]["Properties"]["PolicyDocument"]
    (denial,) = [each for each in policy["Statement"] if each["Sid"] == "RefuseToReplaceSources"]
    admitted = [each["Fn::Sub"].rpartition("/")[2] for each in denial["Condition"]["ArnNotLike"]["aws:PrincipalArn"]]
    roles = {
        name: each["Properties"]["RoleName"]
        for layer in (build, pipeline, scan_gate)
        for name, each in resources_of(
            layer, (f"{SERVICE}/checks", {"x-pipeline": {"preset": "bandit"}, "a-delivery-b": {"preset": "bandit"}})
        ).items()
        if each["Type"] == "AWS::IAM::Role"
    }

    assert {name for name, role in roles.items() if any(fnmatchcase(role, pattern) for pattern in admitted)} == {
        "AppActionRole",
        "TemplatesActionRole",
        "PipelineRole",
    }


@pytest.mark.no_cover
def test_every_word_of_a_role_project_function_or_security_group_is_reserved() -> None:
    kinds = {
        "AWS::IAM::Role": "RoleName",
        "AWS::CodeBuild::Project": "Name",
        "AWS::Lambda::Function": "FunctionName",
        "AWS::EC2::SecurityGroup": "GroupName",
    }
    hooks = [
        (f"{SERVICE}/rollout", "canary"),
        (f"{SERVICE}/rollback_on_alarm", True),
        (f"{SERVICE}/hooks", ["smoke", "verify-image"]),
    ]
    released = (f"{SERVICE}/github", {"repository": "me/pay", "releases": True})
    unknown, seen = set(), 0
    checks = {*raw_configuration()["services"]["parcel-dispatcher"]["checks"]}
    for stack in rendered_stacks(*hooks, released):
        prefix = f"shipping-{stack.environment.name}-"
        for resource in cloudformation_yaml.load(stack.text)["Resources"].values():
            name = resource["Properties"].get(kinds.get(resource["Type"], ""))
            if name is None:
                continue
            seen += 1
            words = name.removeprefix(prefix)
            after = words.removeprefix("parcel-dispatcher-")
            known = AFTER_A_SERVICE | checks if after != words else OF_AN_ENVIRONMENT | {"parcel-dispatcher"}
            if not any(after == word or after.startswith(f"{word}-") for word in known):
                unknown.add(name)

    assert seen > 60
    assert unknown == set()


@pytest.mark.parametrize("layer", [keys, storage], ids=["keys", "storage"])
def test_another_service_makes_the_shared_part_no_larger(layer: ModuleType) -> None:
    # A thousand services must fit into one key policy and one bucket policy.
    more = {"path_pattern": "/more/*", "checks": {"bandit": {"preset": "bandit"}}}

    assert resources_of(layer) == resources_of(layer, ("services/ledger", more))


def names_of(suffix: str) -> set[str]:
    """Return every name that a copy gives to a resource, and every path under which it publishes a value."""
    found = set()
    for stack in rendered_stacks(suffix=suffix):
        for resource in cloudformation_yaml.load(stack.text)["Resources"].values():
            for key, value in resource["Properties"].items():
                own = key == "Name" or (key.endswith("Name") and key[:-4] in resource["Type"].replace("::", ""))
                # The name of an inline policy is within its role.
                if own and isinstance(value, str) and resource["Type"] != "AWS::IAM::Policy":
                    found.add(f"{resource['Type']} {value}")
    return found


@pytest.mark.no_cover
def test_two_copies_of_the_whole_pipeline_have_no_name_in_common() -> None:
    one, other = names_of("pr1"), names_of("pr2")

    assert len(one) == len(other) > 130
    assert one & other == set()


@pytest.mark.parametrize(("layer", "name"), [(scan_gate, "ScanGate"), (review, "Review")])
def test_an_older_version_of_the_templates_passes_only_by_its_name_in_the_configuration(
    layer: ModuleType, name: str
) -> None:
    def variables(*edits: tuple[str, Any]) -> dict[str, Any]:
        function = resources_of(layer, *edits)[name]
        found: dict[str, Any] = function["Properties"]["Environment"]["Variables"]
        return found

    assert "OLDER_TEMPLATES" not in variables()
    assert variables(("pipeline/older_templates", "3HL4kq")) == {**variables(), "OLDER_TEMPLATES": "3HL4kq"}


@pytest.mark.parametrize("wrong", ["", "*", "a b", "a" * 1025])
def test_what_is_no_version_names_none(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="write the id of a version in S3"):
        environment("tools", ("pipeline/older_templates", wrong))


def test_where_nothing_is_reviewed_operators_roll_nothing_back() -> None:
    statements = resources_of(access, *OPEN)["OperatorsPolicy"]["Properties"]["PolicyDocument"]["Statement"]

    assert "codepipeline:RollbackStage" not in [action for each in statements for action in each["Action"]]


@pytest.mark.parametrize(
    ("folders", "characters"), [(0, None), (11, None), (13, "1,026")], ids=["no path", "long", "too long"]
)
def test_a_setting_of_an_action_that_codepipeline_would_refuse_is_refused(folders: int, characters: str | None) -> None:
    raw = tomllib.loads((ROOT / "tests/projects/long-names/environments.toml").read_text())
    name = "b-service-with-long-name"
    raw["services"][name]["migration"] = ["migrate"]
    for settings in raw["environments"].values():
        settings["role_path"] = f"/{'a' * 36}" * folders + "/"
    env = parse_configuration(raw, source="environments.toml", suffix="feature-12").environment("delivery-hub")
    assert env is not None
    service = next(each for each in env.services if each.name == name)

    if characters is None:
        assert "Pipeline" in pipeline.build(env, service).template.resources
        return
    refused = (
        f"services.{name}: UserParameters of the action MigrateALongStage in the stage ALongStage-Migration has"
        f" {characters} characters, but AWS accepts at most 1,000; shorten the name of the project, the service or the"
        " environment, or role_path"
    )
    with pytest.raises(ConfigurationError, match=f"^{re.escape(refused)}$"):
        pipeline.build(env, service)
