"""The key that signs evidence: who may use it, who may change it, and who is notified if somebody changes it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.template import cloudformation_yaml
from tests.conftest import PROJECT

OUT = PROJECT / "out"
TEMPLATES = sorted(OUT.glob("*/*.yaml"))
SIGNER = cloudformation_yaml.load((OUT / "tools/signer-parcel-dispatcher.yaml").read_text())["Resources"]
ALIAS = SIGNER["SigningKeyAlias"]["Properties"]["AliasName"]
ALIAS_ARN = f"arn:${{AWS::Partition}}:kms:eu-central-1:111111111111:{ALIAS}"
POLICY = {statement["Sid"]: statement for statement in SIGNER["SigningKey"]["Properties"]["KeyPolicy"]["Statement"]}


def statements(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every statement at any depth of `value`."""
    if isinstance(value, dict):
        if "Effect" in value and "Action" in value:
            yield value
        for item in value.values():
            yield from statements(item)
    elif isinstance(value, list):
        for item in value:
            yield from statements(item)


def test_the_key_signs_and_does_nothing_else() -> None:
    properties = SIGNER["SigningKey"]["Properties"]

    assert (properties["KeySpec"], properties["KeyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")
    assert properties["BypassPolicyLockoutSafetyCheck"] is False


def test_only_the_role_of_the_function_may_sign() -> None:
    assert POLICY["LetOnlyTheSignerSign"]["Principal"] == {"AWS": {"Fn::GetAtt": ["SignerRole", "Arn"]}}
    assert POLICY["LetOnlyTheSignerSign"]["Action"] == ["kms:GetPublicKey", "kms:Sign", "kms:Verify"]
    assert SIGNER["Signer"]["Properties"]["Role"] == {"Fn::GetAtt": ["SignerRole", "Arn"]}
    assert [sid for sid, each in POLICY.items() if "kms:Sign" in each["Action"]] == ["LetOnlyTheSignerSign"]
    trusted = SIGNER["SignerRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert [each["Principal"] for each in trusted] == [{"Service": "lambda.amazonaws.com"}]


def test_the_account_administers_the_key_by_name_and_cannot_sign_or_grant() -> None:
    administration = set(POLICY["LetTheAccountAdministerTheKey"]["Action"])
    verification = POLICY["LetTheAccountVerify"]["Action"]

    assert {"kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:DescribeKey"} <= administration
    assert verification == ["kms:GetPublicKey", "kms:Verify"]
    for action in (*administration, *verification):
        assert "*" not in action
        assert action not in ("kms:CreateGrant", "kms:Sign")


@pytest.mark.parametrize("path", TEMPLATES, ids=[path.parent.name + "/" + path.stem for path in TEMPLATES])
def test_no_other_statement_of_any_template_allows_to_sign(path: Path) -> None:
    resources = cloudformation_yaml.load(path.read_text())["Resources"]
    signing = [
        name
        for name, resource in resources.items()
        for statement in statements(resource)
        if statement["Effect"] == "Allow" and "kms:sign" in json.dumps(statement["Action"]).lower()
    ]

    assert signing == (["SigningKey"] if path.stem == "signer-parcel-dispatcher" else [])


def test_a_change_of_the_key_notifies_security_and_operations() -> None:
    rule = SIGNER["SigningKeyChangedRule"]["Properties"]

    assert rule["EventPattern"] == {
        "source": ["aws.kms"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {
            "eventSource": ["kms.amazonaws.com"],
            "eventName": [
                "CreateAlias",
                "CreateGrant",
                "DeleteAlias",
                "DisableKey",
                "PutKeyPolicy",
                "ScheduleKeyDeletion",
                "UpdateAlias",
            ],
            "resources": {"ARN": [{"Fn::GetAtt": ["SigningKey", "Arn"]}, {"Fn::Sub": ALIAS_ARN}]},
        },
    }
    assert [target["Id"] for target in rule["Targets"]] == ["Security", "Operations"]
    assert "<who> has called <call>" in rule["Targets"][0]["InputTransformer"]["InputTemplate"]


def test_the_signer_runs_after_the_scan_and_before_anything_is_deployed() -> None:
    pipeline = cloudformation_yaml.load((OUT / "tools/pipeline-parcel-dispatcher.yaml").read_text())["Resources"]
    stages = pipeline["Pipeline"]["Properties"]["Stages"]
    (build,) = [stage for stage in stages if stage["Name"] == "Build"]
    orders = {action["Name"]: action["RunOrder"] for action in build["Actions"]}

    assert orders == {"Image": 1, "BillOfMaterials": 1, "ImageScan": 2, "Sign": 3}
    assert [stage["Name"] for stage in stages].index("Build") < [stage["Name"] for stage in stages].index("Staging")
    parameters = json.loads(build["Actions"][-1]["Configuration"]["UserParameters"])
    assert parameters == {
        "image": "#{Image.IMAGE_URI}",
        "sourceVersion": "#{App.VersionId}",
        "sourceDigest": "#{Gate.SourceDigest}",
        "templatesVersion": "#{Templates.VersionId}",
        "execution": "#{codepipeline.PipelineExecutionId}",
        "reportKey": "#{Gate.ReportKey}",
    }


def test_a_refusal_to_sign_notifies_operations_and_security_by_the_metric_that_the_function_writes() -> None:
    resources = cloudformation_yaml.load((OUT / "tools/monitoring-parcel-dispatcher.yaml").read_text())["Resources"]
    alarm = resources["SignerCannotSignAlarm"]["Properties"]
    variables = SIGNER["Signer"]["Properties"]["Environment"]["Variables"]

    assert (alarm["Namespace"], alarm["MetricName"]) == (variables["NAMESPACE"], "SignerErrors")
    assert SIGNER["Signer"]["Properties"]["Code"]["ZipFile"].count('log_problem("SignerErrors", ') == 2
    assert alarm["AlarmActions"] == [{"Ref": "OperationsTopicArn"}, {"Ref": "SecurityTopicArn"}]


def test_the_function_knows_the_build_by_a_name_that_stays_and_by_its_digest() -> None:
    build = cloudformation_yaml.load((OUT / "tools/build-parcel-dispatcher.yaml").read_text())["Resources"]
    specification = build["Image"]["Properties"]["Source"]["BuildSpec"]
    variables = SIGNER["Signer"]["Properties"]["Environment"]["Variables"]

    assert variables["BUILDSPEC_SHA256"] == hashlib.sha256(specification.encode()).hexdigest()
    assert variables["BUILDER"]["Fn::Sub"].endswith(f":project/{build['Image']['Properties']['Name']}")
