"""The audit accepts a Parameter Store path that checkov takes for a secret access key, and exempts nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.render.audit_exemptions import REASON, SECRETS_CHECK, exempt_paths_taken_for_keys
from cicd_templates.template.metadata import REASONS_KEY

FORTY = "/ledger/tools/storage/EvidenceBucketName"
FUNCTION, SSM = "AWS::Lambda::Function", "AWS::SSM::Parameter::Value<String>"
SKIP = {"id": SECRETS_CHECK, "comment": REASON}


def template(value: Any, path: str = FORTY, kind: str = SSM, resource: str = FUNCTION, **more: Any) -> dict[str, Any]:
    return {
        "Parameters": {"Bucket": {"Type": kind, "Default": path}, "Image": {"Type": "String"}},
        "Resources": {"F": {"Type": resource, "Properties": {"Environment": {"Variables": {"A": value}}}, **more}},
    }


def skipped(content: dict[str, Any]) -> list[dict[str, str]]:
    exempt_paths_taken_for_keys(content)
    return list(content["Resources"]["F"].get("Metadata", {}).get("checkov", {}).get("skip", []))


def test_a_path_of_forty_characters_is_exempt_with_its_reason() -> None:
    content = template({"Ref": "Bucket"})

    assert len(FORTY) == 40
    assert skipped(content) == [SKIP]
    assert content["Resources"]["F"]["Metadata"][REASONS_KEY] == [f"{REASON} ({SECRETS_CHECK})"]


def test_other_exemptions_and_reasons_stay() -> None:
    other = {"id": "CKV_AWS_117", "comment": "no VPC"}
    content = template({"Ref": "Bucket"}, Metadata={REASONS_KEY: ["first"], "checkov": {"skip": [other]}, "A": 1})

    assert skipped(content) == [other, SKIP]
    assert content["Resources"]["F"]["Metadata"][REASONS_KEY][0] == "first"
    assert content["Resources"]["F"]["Metadata"]["A"] == 1


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(template({"Ref": "Bucket"}, FORTY + "s"), id="41 characters"),
        pytest.param(template({"Ref": "Bucket"}, FORTY.replace("ledger", "led-er")), id="a hyphen"),
        pytest.param(template({"Ref": "Bucket"}, kind="String"), id="a plain default, which may be a secret"),
        pytest.param(template(FORTY), id="a literal, which may be a secret"),
        pytest.param(template({"Ref": "Image"}), id="a parameter without a default"),
        pytest.param(template({"Fn::GetAtt": ["F", "Arn"]}), id="another function"),
        pytest.param(template({"Ref": "Bucket"}, resource="AWS::CodeBuild::Project"), id="another type"),
        pytest.param({"Resources": {"F": {"Type": FUNCTION, "Properties": {}}}}, id="no parameters, no variables"),
    ],
)
def test_nothing_else_is_exempt(content: dict[str, Any]) -> None:
    assert skipped(content) == []
