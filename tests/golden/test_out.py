"""The rendered example has the same bytes each time, and meets the requirements that an auditor checks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.config.load import read_configuration
from cicd_templates.lint.run import lint_templates
from cicd_templates.render import out_folder, render
from cicd_templates.template import cloudformation_yaml
from cicd_templates.template.checksums import source_digest
from templates import LAYERS
from tests.conftest import PROJECT, ROOT

OUT = PROJECT / "out"
FILES = sorted(OUT.glob("*/*.yaml"))
IDS = [str(path.relative_to(OUT)) for path in FILES]


@cache
def template(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = cloudformation_yaml.load(path.read_text())
    return loaded


def resources() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path in FILES:
        for name, resource in template(path)["Resources"].items():
            yield str(path.relative_to(OUT)), name, resource


def statements() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every statement of every policy in `out/`."""

    def below(value: Any) -> Iterator[dict[str, Any]]:
        if isinstance(value, list):
            for item in value:
                yield from below(item)
        elif isinstance(value, dict):
            if "Effect" in value:
                yield value
            for item in value.values():
                yield from below(item)

    for path, name, resource in resources():
        for statement in below(resource["Properties"]):
            yield f"{path} {name} {statement['Sid']}", statement


@pytest.mark.no_cover
def test_a_project_in_this_process_renders_the_same_files() -> None:
    rendered = render.render(read_configuration(PROJECT / "templates/environments.toml"), LAYERS, "yaml")

    files = out_folder.files_of(rendered, OUT, sources=source_digest(PROJECT))

    assert out_folder.diff_against_folder(files, OUT) == []


@pytest.mark.parametrize("seed", [pytest.param("0", marks=pytest.mark.long), "4711"])
def test_the_bytes_are_the_same_on_every_hash_seed(seed: str, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, str(ROOT / "generate.py"), "--out", str(tmp_path)],
        cwd=PROJECT,
        env={**os.environ, "PYTHONHASHSEED": seed},
        check=True,
        capture_output=True,
    )

    for path in FILES:
        assert (tmp_path / path.relative_to(OUT)).read_bytes() == path.read_bytes()


# `make lint` says the same of the same files.
@pytest.mark.long
def test_cfn_lint_reports_no_error_warning_or_informational_finding() -> None:
    assert lint_templates(FILES) == []


def test_no_allowed_action_is_a_pattern() -> None:
    wild = [
        where
        for where, statement in statements()
        if statement["Effect"] == "Allow" and any("*" in action for action in statement["Action"])
    ]

    assert wild == []


def test_a_statement_about_every_resource_has_its_reason_above_it() -> None:
    for path, name, resource in resources():
        if resource["Type"] != "AWS::IAM::Role":
            continue
        reasons = " ".join(resource.get("Metadata", {}).get("Why", ()))
        for policy in resource["Properties"].get("Policies", ()):
            for statement in policy["PolicyDocument"]["Statement"]:
                assert "*" not in statement["Resource"] or statement["Sid"] in reasons, (path, name, statement["Sid"])


def test_no_template_uses_aws_managed_policies_or_codecommit() -> None:
    for path in FILES:
        # The code of the review names the property, because it describes such policies.
        assert not re.search(r"ManagedPolicyArns:|iam::aws:policy|codecommit", path.read_text(), re.IGNORECASE), path


STATEFUL = {
    "AWS::ECR::Repository",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SecretsManager::Secret",
}


def test_the_deletion_policies_of_data_follow_from_the_environments_protection() -> None:
    expected = {"staging": ("Delete", "Delete"), "production": ("RetainExceptOnCreate", "Retain")}
    expected["tools"] = expected["production"]
    for path, name, resource in resources():
        policies = (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
        wanted = expected[path.split("/")[0]] if resource["Type"] in STATEFUL else (None, None)
        if resource["Type"] == "AWS::SQS::Queue":
            # Dead letters are messages, not records; the alarm has reported them.
            wanted = ("Delete", "Delete")
        assert policies == wanted, (path, name)


def test_all_logs_and_buckets_but_the_log_delivery_bucket_have_the_environments_key() -> None:
    for path, name, resource in resources():
        properties = resource["Properties"]
        if resource["Type"] == "AWS::Logs::LogGroup":
            assert properties["KmsKeyId"] == {"Ref": "KeyArn"}, (path, name)
            assert properties["RetentionInDays"] >= (30 if path.startswith("staging") else 365), (path, name)
        if resource["Type"] == "AWS::S3::Bucket":
            (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            default = rule["ServerSideEncryptionByDefault"]
            if name == "LogDelivery":
                assert default == {"SSEAlgorithm": "AES256"}
                assert any("load balancers" in why for why in resource["Metadata"]["Why"])
            else:
                assert default == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": {"Ref": "KeyArn"}}, (path, name)
                assert rule["BucketKeyEnabled"] is True
                assert properties["LoggingConfiguration"]["DestinationBucketName"] == {"Ref": "LogDelivery"}
            assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
            assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
            assert f"{name}Policy" in template(OUT / path)["Resources"]


def test_each_exception_from_the_audit_has_its_reason_where_a_reviewer_reads_it() -> None:
    excepted = []
    for path, name, resource in resources():
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", ()):
            assert f"{skip['comment']} ({skip['id']})" in resource["Metadata"]["Why"]
            excepted.append((path.partition("/")[2], name, skip["id"]))

    of_functions = ("CKV_AWS_115", "CKV_AWS_117")
    functions = {(name, skip) for _, name, skip in excepted if skip in of_functions}
    names = ("ApprovalCheck", "Measure", "Review", "ScanGate", "Signer", "Stuck")
    assert functions == {(name, skip) for name in names for skip in of_functions}
    others = {found for found in excepted if found[2] not in of_functions}
    assert others == {("storage.yaml", "LogDelivery", "CKV_AWS_18")}


def test_every_bucket_policy_refuses_requests_without_tls() -> None:
    policies = [resource for _, _, resource in resources() if resource["Type"] == "AWS::S3::BucketPolicy"]

    assert len(policies) == 11
    for policy in policies:
        first = policy["Properties"]["PolicyDocument"]["Statement"][0]
        assert (first["Effect"], first["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_a_trust_policy_admits_one_service_for_this_account_or_one_role() -> None:
    for path, name, resource in resources():
        if resource["Type"] != "AWS::IAM::Role":
            continue
        (statement,) = resource["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        account = template(OUT / path)["Metadata"]["CicdTemplates"]["Account"]
        ((kind, principal),) = statement["Principal"].items()
        if kind == "Service":
            # These services are not known to say for whom they act.
            silent = {f"{each}.amazonaws.com" for each in ("lambda", "cloudformation", "codepipeline", "ecs")}
            may_be_silent = principal in silent
            operator = "StringEqualsIfExists" if may_be_silent else "StringEquals"
            assert statement["Condition"][operator] == {"aws:SourceAccount": account}, (path, name)
        elif path.startswith("tools/"):
            assert principal == {"Fn::GetAtt": ["PipelineRole", "Arn"]}, (path, name)
        else:
            assert principal == {"Fn::Sub": "arn:${AWS::Partition}:iam::111111111111:root"}, (path, name)
            roles = [role["Fn::Sub"] for role in statement["Condition"]["ArnEquals"]["aws:PrincipalArn"]]
            for role in roles:
                assert re.search(":role/shipping-tools-(parcel-dispatcher-|pipeline-parcel-dispatcher$)", role), path
            # The functions that read the change sets of a release, and what it deployed, share a role there.
            protected = ["review"] if path.startswith("production/") else []
            functions = [*protected, "approval-check", "signer"] if name == "ReviewRole" else [""]
            assert len(roles) == len(functions), path
            assert all(function in role for role, function in zip(roles, functions, strict=True)), path


# What IAM can name no resource for, with the APIs that make it so. Nothing is added here without its reason.
EVERYTHING = {
    "LogInToTheRegistry": {"ecr:GetAuthorizationToken"},
    "AnswerThePipeline": {"codepipeline:PutJobFailureResult", "codepipeline:PutJobSuccessResult"},
    "LookAtScaling": {
        "application-autoscaling:DescribeScalableTargets",
        "application-autoscaling:DescribeScalingPolicies",
        "application-autoscaling:DescribeScheduledActions",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:GetMetricData",
    },
    "LookAtPoliciesOfLogGroups": {"logs:DescribeIndexPolicies", "logs:DescribeResourcePolicies"},
    "CheckValues": {"ec2:DescribeSecurityGroups", "ec2:DescribeSubnets"},
    "FindTheFunction": {"lambda:ListFunctions"},
    "SendTraces": {"xray:PutTelemetryRecords", "xray:PutTraceSegments"},
    "KeepTaskDefinitions": {
        "ecs:DeregisterTaskDefinition",
        "ecs:DescribeTaskDefinition",
        "ecs:RegisterTaskDefinition",
    },
    "LookAtLoadBalancing": {
        "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeRules",
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetHealth",
    },
}


def test_every_statement_on_every_resource_is_known_by_its_actions() -> None:
    found: dict[str, set[str]] = {}
    for path, name, resource in resources():
        if resource["Type"] == "AWS::KMS::Key":
            # In a key policy `*` is the key itself.
            continue
        policies = resource["Properties"].get("Policies", [{"PolicyDocument": resource["Properties"]}])
        for policy in policies:
            for statement in (
                policy["PolicyDocument"].get("PolicyDocument", policy["PolicyDocument"]).get("Statement", ())
            ):
                if "*" in statement.get("Resource", ()):
                    found.setdefault(statement["Sid"], set()).update(statement["Action"])
                    assert statement["Sid"] in " ".join(resource["Metadata"]["Why"]), (path, name)

    assert found == EVERYTHING


def test_the_container_is_not_root_writes_nothing_and_keeps_no_capability() -> None:
    definitions = [resource for _, _, resource in resources() if resource["Type"] == "AWS::ECS::TaskDefinition"]

    assert len(definitions) == 2
    for definition in definitions:
        (container,) = definition["Properties"]["ContainerDefinitions"]
        assert container["User"] == "10001:10001"
        assert container["ReadonlyRootFilesystem"] is True
        assert container["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}


def test_the_logical_ids_of_data_have_not_changed() -> None:
    # A changed id is a deletion. Add to this list; change or remove an entry only with a way for its data.
    found = {
        (path.split("/")[1].removesuffix(".yaml"), name)
        for path, name, resource in resources()
        if resource["Type"] in STATEFUL
    }

    assert found == {
        ("keys", "Key"),
        ("storage", "Artifacts"),
        ("storage", "Cache"),
        ("storage", "Evidence"),
        ("storage", "LogDelivery"),
        ("storage", "Source"),
        ("storage", "Templates"),
        ("storage", "Uploads"),
        ("review-parcel-dispatcher", "ApprovalCheckLogGroup"),
        ("network", "FlowLogGroup"),
        ("cluster", "InsightsLogGroup"),
        ("registry-parcel-dispatcher", "Images"),
        ("service-parcel-dispatcher", "LogGroup"),
        ("build-parcel-dispatcher", "BanditLogGroup"),
        ("build-parcel-dispatcher", "BillOfMaterialsLogGroup"),
        ("build-parcel-dispatcher", "ImageLogGroup"),
        ("build-parcel-dispatcher", "ImageScanLogGroup"),
        ("build-parcel-dispatcher", "SafetyApiKeySecret"),
        ("build-parcel-dispatcher", "SafetyLogGroup"),
        ("build-parcel-dispatcher", "SecretsLogGroup"),
        ("build-parcel-dispatcher", "SmokeTestLogGroup"),
        ("build-parcel-dispatcher", "SnykLogGroup"),
        ("build-parcel-dispatcher", "SnykTokenSecret"),
        ("build-parcel-dispatcher", "UnitTestsLogGroup"),
        ("monitoring-parcel-dispatcher", "HistoryLogGroup"),
        ("monitoring-parcel-dispatcher", "MeasureLogGroup"),
        ("monitoring-parcel-dispatcher", "StuckLogGroup"),
        ("review-parcel-dispatcher", "ReviewLogGroup"),
        ("scan-gate-parcel-dispatcher", "ScanGateLogGroup"),
        ("signer-parcel-dispatcher", "SignerLogGroup"),
        ("signer-parcel-dispatcher", "SigningKey"),
    }


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_a_rendered_file_is_in_the_order_that_a_reader_expects(path: Path) -> None:
    text = path.read_text()
    sections = re.findall(r"^(\w+):", text, re.MULTILINE)
    order = ["AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Conditions", "Resources", "Outputs"]

    assert sections == [section for section in order if section in sections]
    assert text.startswith("# ")
    assert not re.search(r"[ \t]$", text, re.MULTILINE)
    assert not re.search(r"(&|\*)id\d|Fn::Join: *\n *- ''", text)
    in_block, block_indent = False, 0
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        if in_block and line.strip() and indent <= block_indent:
            in_block, block_indent = False, 0
        if not in_block:
            assert len(line) <= 110, line
        if re.search(r"[|][-+]?$", line):
            in_block, block_indent = True, indent
    for resource in template(path)["Resources"].values():
        assert next(iter(resource)) == "Type"


@pytest.mark.parametrize("layer", ["keys", "storage"])
def test_the_templates_deployed_before_the_uploads_bucket_fit_into_a_request(layer: str) -> None:
    for path in OUT.glob(f"*/{layer}.yaml"):
        assert len(path.read_bytes()) <= 51_200


ENCRYPTED = {
    "AWS::CodeBuild::Project": "EncryptionKey",
    "AWS::CodePipeline::Pipeline": "ArtifactStore",
    "AWS::ECR::Repository": "EncryptionConfiguration",
    "AWS::ECS::Cluster": "Configuration",
    "AWS::Lambda::Function": "KmsKeyArn",
    "AWS::Logs::LogGroup": "KmsKeyId",
    "AWS::S3::Bucket": "BucketEncryption",
    "AWS::SNS::Topic": "KmsMasterKeyId",
    "AWS::SQS::Queue": "KmsMasterKeyId",
    "AWS::SecretsManager::Secret": "KmsKeyId",
}


def test_everything_that_can_have_a_key_has_ours_but_the_log_delivery_bucket() -> None:
    taking = [(path, name, each) for path, name, each in resources() if each["Type"] in ENCRYPTED]
    others = [
        (path.partition("/")[2], name)
        for path, name, each in taking
        if "'Ref': 'KeyArn'" not in str(each["Properties"].get(ENCRYPTED[each["Type"]]))
    ]

    assert len(taking) == 67
    assert others == [("storage.yaml", "LogDelivery")] * 3


def test_the_counts_in_the_comparison_are_those_of_the_rendered_templates() -> None:
    identities = [
        statement
        for _, _, resource in resources()
        if resource["Type"] in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role")
        for policy in resource["Properties"].get("Policies", [resource["Properties"]])
        for statement in policy.get("PolicyDocument", {}).get("Statement", ())
        if statement["Effect"] == "Allow"
    ]
    everywhere = sum("*" in statement["Resource"] for statement in identities)
    keyed = sum(resource["Type"] in ENCRYPTED for _, _, resource in resources())
    rules = [resource for path, _, resource in resources() if "tools/monitoring" in path]
    table = (ROOT / "docs/comparison.md").read_text()

    assert f"| 0 of {len(identities)} |" in table
    assert f"| {everywhere} of {len(identities)}, each with its reason |" in table
    assert f"| {keyed - 3} of {keyed} (three log delivery buckets" in table
    assert f"environment, {sum(rule['Type'] == 'AWS::Events::Rule' for rule in rules)} |" in table
