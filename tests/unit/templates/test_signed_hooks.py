"""Under every progressive rollout, the hook before the first task verifies with the names and the key of the signer.

The policies of the tools environment let exactly the roles of these hooks read statements and verify signatures.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from cicd_templates.config.load import parse_configuration
from cicd_templates.errors import ConfigurationError
from cicd_templates.template import cloudformation_yaml
from templates import storage
from tests.conftest import raw_configuration
from tests.projects.rendering import rendered_project

# The services of the project, each with another rollout.
PROGRESSIVE = {"blue": "BLUE_GREEN", "steps": "LINEAR", "bird": "CANARY"}
ENVIRONMENTS = {"staging": "222222222222", "production": "333333333333"}
TOOLS = "111111111111"
BUCKET = f"fleet-tools-evidence-{TOOLS}-eu-central-1"


@cache
def resources(environment: str, stack: str) -> dict[str, Any]:
    path = rendered_project("rollouts") / f"out/{environment}/{stack}.yaml"
    loaded: dict[str, Any] = cloudformation_yaml.load(path.read_text())["Resources"]
    return loaded


def statements(policy: dict[str, Any]) -> dict[str, Any]:
    return {statement["Sid"]: statement for statement in policy["Statement"]}


def roles(*services: str) -> list[dict[str, str]]:
    """Return the ARNs of the roles of the services' hooks."""
    return [
        {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::{account}:role/fleet-{environment}-{service}-verify-image-function"}
        for service in services
        for environment, account in ENVIRONMENTS.items()
    ]


ACCOUNTS = {"AWS": [{"Fn::Sub": f"arn:${{AWS::Partition}}:iam::{account}:root"} for account in ENVIRONMENTS.values()]}


@pytest.mark.no_cover
@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("service", PROGRESSIVE)
def test_the_hook_runs_before_any_task_and_verifies_with_the_key_of_the_signer(service: str, environment: str) -> None:
    deployment = resources(environment, f"service-{service}")["Service"]["Properties"]["DeploymentConfiguration"]
    assert deployment["Strategy"] == PROGRESSIVE[service]
    (hook,) = [each for each in deployment["LifecycleHooks"] if each["LifecycleStages"] == ["PRE_SCALE_UP"]]
    assert hook["HookTargetArn"] == {"Ref": "VerifyImageFunctionArn"}

    variables = resources(environment, f"hooks-{service}")["VerifyImage"]["Properties"]["Environment"]["Variables"]
    signer = resources("tools", f"signer-{service}")
    signed = signer["Signer"]["Properties"]["Environment"]["Variables"]
    for name in ("SERVICE", "BUILDER", "GATE", "REPOSITORY"):
        assert variables[name] == signed[name], name
    alias = signer["SigningKeyAlias"]["Properties"]
    assert alias["TargetKeyId"] == {"Ref": "SigningKey"}
    arn = f"arn:${{AWS::Partition}}:kms:eu-central-1:{TOOLS}:{alias['AliasName']}"
    assert variables["SIGNING_KEY"] == {"Fn::Sub": arn}
    assert (
        variables["EVIDENCE_BUCKET"] == BUCKET == resources("tools", "storage")["Evidence"]["Properties"]["BucketName"]
    )


@pytest.mark.parametrize("service", PROGRESSIVE)
def test_the_hook_may_only_verify_and_read_statements_of_its_service(service: str) -> None:
    (policy,) = resources("staging", f"hooks-{service}")["VerifyImageRole"]["Properties"]["Policies"]
    own = statements(policy["PolicyDocument"])
    keys = {"Fn::Sub": f"arn:${{AWS::Partition}}:kms:eu-central-1:{TOOLS}:key/*"}

    assert own["VerifyTheSignatures"]["Action"] == ["kms:Verify"]
    assert own["VerifyTheSignatures"]["Resource"] == [keys]
    assert own["VerifyTheSignatures"]["Condition"] == {
        "StringEquals": {"kms:RequestAlias": f"alias/fleet-tools-{service}-signing"}
    }
    assert own["DecryptTheStatements"]["Action"] == ["kms:Decrypt"]
    assert own["DecryptTheStatements"]["Condition"]["StringEquals"]["kms:ViaService"][0].startswith("s3.")
    assert own["ReadTheStatements"]["Resource"] == [
        {"Fn::Sub": f"arn:${{AWS::Partition}}:s3:::{BUCKET}/{service}/*/signed*"}
    ]
    assert own["FindTheStatements"]["Condition"] == {"StringLike": {"s3:prefix": f"{service}/digests/*"}}


@pytest.mark.parametrize("service", PROGRESSIVE)
def test_the_signing_key_lets_exactly_the_hooks_of_the_service_verify(service: str) -> None:
    key = statements(resources("tools", f"signer-{service}")["SigningKey"]["Properties"]["KeyPolicy"])

    assert key["LetTheHooksVerify"]["Action"] == ["kms:Verify"]
    assert key["LetTheHooksVerify"]["Principal"] == ACCOUNTS
    assert key["LetTheHooksVerify"]["Condition"] == {"ArnEquals": {"aws:PrincipalArn": roles(service)}}


def test_the_evidence_lets_exactly_the_hooks_of_a_service_read_its_statements() -> None:
    bucket = statements(resources("tools", "storage")["EvidencePolicy"]["Properties"]["PolicyDocument"])
    titles = {"blue": "Blue", "steps": "Steps", "bird": "Bird"}

    allowed = {sid for sid, statement in bucket.items() if statement["Effect"] == "Allow"}
    assert allowed == {f"LetTheHooks{verb}StatementsOf{name}" for verb in ("Find", "Read") for name in titles.values()}
    for service, name in titles.items():
        read, found = bucket[f"LetTheHooksReadStatementsOf{name}"], bucket[f"LetTheHooksFindStatementsOf{name}"]
        assert (read["Action"], found["Action"]) == (["s3:GetObject"], ["s3:ListBucket"])
        assert read["Principal"] == found["Principal"] == ACCOUNTS
        assert read["Resource"] == [{"Fn::Sub": f"${{Evidence.Arn}}/{service}/*/signed*"}]
        assert read["Condition"] == {"ArnEquals": {"aws:PrincipalArn": roles(service)}}
        assert found["Condition"] == {
            "ArnEquals": {"aws:PrincipalArn": roles(service)},
            "StringLike": {"s3:prefix": f"{service}/digests/*"},
        }


def test_the_key_of_the_evidence_lets_exactly_the_hooks_decrypt_through_s3() -> None:
    statement = statements(resources("tools", "keys")["Key"]["Properties"]["KeyPolicy"])["LetTheHooksReadStatements"]

    assert statement["Action"] == ["kms:Decrypt"]
    assert statement["Principal"] == ACCOUNTS
    assert statement["Condition"]["ArnEquals"] == {"aws:PrincipalArn": roles(*PROGRESSIVE)}
    assert statement["Condition"]["StringEquals"]["kms:ViaService"][0] == "s3.eu-central-1.amazonaws.com"


def test_without_hooks_no_policy_of_the_tools_environment_names_one() -> None:
    for path in (rendered_project("settlement") / "out").glob("*/*.yaml"):
        assert "LetTheHooks" not in path.read_text(), path


def test_more_hooks_than_a_bucket_policy_can_name_are_refused() -> None:
    raw = raw_configuration(
        ("services/parcel-dispatcher/rollout", "blue-green"),
        ("services/parcel-dispatcher/rollback_on_alarm", True),
        ("services/parcel-dispatcher/hooks", ["verify-image"]),
        ("services/parcel-dispatcher/path_pattern", "/0/*"),
    )
    first = raw["services"]["parcel-dispatcher"]
    raw["services"] |= {f"parcel-{each:02}": {**first, "path_pattern": f"/{each}/*"} for each in range(1, 20)}
    (tools,) = [env for env in parse_configuration(raw, source="file").environments if env.kind == "tools"]

    message = r"the policy of the bucket Evidence has 2\d,\d{3} characters, but AWS accepts at most 20,480; use the"
    with pytest.raises(ConfigurationError, match=message):
        storage.build(tools)
