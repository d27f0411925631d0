"""The commands doctor and recover on the local AWS."""

from __future__ import annotations

import json
import tomllib

import pytest

from cicd_templates.deploy.doctor.roles import ROLES
from tests.integration.conftest import Project

pytestmark = [pytest.mark.integration, pytest.mark.long]


def test_the_doctor_lists_what_to_fix_and_then_that_nothing_is_wrong(project: Project) -> None:
    ill = project.type("doctor --env all --local")
    assert ill.exit_code == 1
    assert "?    service-linked role: AWSServiceRoleForECS is not known on the local AWS" in ill.output
    assert "certificate/00000000-0000-4000-8000-000000000002 does not exist" in ill.output
    assert "error: 2 to fix before deploying" in ill.output

    assert " aws --endpoint-url http://127.0.0.1:" in ill.output

    mend(project, "staging")
    project.ok("render")
    assert "ok   certificate: issued for shipping.staging.example.com" in project.ok("doctor --env staging --local")
    checks = json.loads(project.ok("doctor --env staging --local --json"))["staging"]
    assert [check["fix"] for check in checks] == [""] * len(checks)
    # The local AWS has no service for quotas.
    assert {check["subject"] for check in checks if not check["read"]} == {
        "quota Fargate vCPUs",
        "quota VPCs",
        "quota Elastic IPs",
    }


def mend(project: Project, environment: str) -> None:
    clients = project.clients(environment)
    for role, _ in list(ROLES.values())[:2]:
        clients.iam.create_role(RoleName=role, AssumeRolePolicyDocument="{}")
    toml = (project.folder / "templates/environments.toml").read_text()
    facts = tomllib.loads(toml)["environments"][environment]
    arn = clients.acm.request_certificate(DomainName=facts["domain"], ValidationMethod="DNS")["CertificateArn"]
    project.edit(facts["certificate_arn"], arn)


def test_the_doctor_without_credentials_says_how_to_get_them(project: Project) -> None:
    result = project.type("doctor --env staging")

    assert result.exit_code == 1
    assert "the default credentials: there are no AWS credentials; set `profile`" in result.output


@pytest.mark.parametrize("command", ["deploy --yes", "plan", "status", "outputs", "destroy --yes"])
def test_without_credentials_no_verb_calls_aws_or_the_local_aws(project: Project, command: str) -> None:
    result = project.type(f"{command} --env staging")

    assert result.exit_code == 1
    assert result.output.startswith("error: the default credentials: there are no AWS credentials; set `profile`")
    assert "LOCAL=1" in result.output


def test_credentials_of_another_account_are_refused_before_anything_else(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cicd_templates.cli import accounts
    from cicd_templates.deploy.aws.clients import local_clients

    other = "999999999999"
    monkeypatch.setattr(accounts, "local_clients", lambda url, account, *rest: local_clients(url, other, *rest))
    result = project.type("deploy --env staging --local --yes")

    assert result.exit_code == 3
    assert "the credentials are for account 999999999999" in result.output


def test_resources_kept_by_a_destroyed_protected_environment_block_the_next_one(project: Project) -> None:
    for layer in ("keys", "registry"):
        project.ok(f"deploy --env tools --layer {layer} --local --yes")
    project.ok("destroy --env tools --local --yes --allow tools")
    result = project.type("doctor --env tools --local")

    assert result.exit_code == 1
    assert (
        "fix  AWS::ECR::Repository shipping-tools-parcel-dispatcher: already exists, so the stack"
        " registry-parcel-dispatcher cannot create it" in result.output
    )
    assert "created by the stack shipping-tools-registry-parcel-dispatcher, CostCenter=" in result.output
    assert (
        "--change-set-type CREATE --import-existing-resources --template-body file://out/tools/registry"
        in result.output
    )

    recovering = project.type("recover --env tools --local")
    assert recovering.exit_code == 1
    assert (
        "registry-parcel-dispatcher: NAME TAKEN: the stack would create a resource whose name is already taken"
        in recovering.output
    )
    assert "error: 1 problem to repair by hand; this command changed nothing" in recovering.output


def test_a_manual_change_is_found_until_it_is_reverted(project: Project) -> None:
    project.ok("deploy --env staging --layer keys --local --yes")
    project.ok("deploy --env staging --layer notifications --local --yes")
    assert "  notifications: as in its template" in project.ok("drift --env staging --local")

    sns = project.clients("staging").sns
    (topic,) = (each["TopicArn"] for each in sns.list_topics()["Topics"] if "security" in each["TopicArn"])
    name = sns.get_topic_attributes(TopicArn=topic)["Attributes"]["DisplayName"]
    sns.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="nobody")
    found = project.type("drift --env staging --layer notifications --local")
    assert found.exit_code == 4
    assert f": MODIFIED: /DisplayName is nobody instead of {name}" in found.output
    assert "DisplayName" in project.type("recover --env staging --local").output
    planned = project.ok("plan --env staging --layer notifications --drift --local")
    assert f": MODIFIED: /DisplayName is nobody instead of {name}" in planned
    page = project.folder / ".state/local/plans/staging.html"
    assert f'"name":"/DisplayName","parts":[["gone","{name}"],["new","nobody"]]' in page.read_text()

    sns.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue=name)
    project.ok("drift --env staging --layer notifications --local")
