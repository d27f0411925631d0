"""Each check: the results for a correct and for a wrong subject, and the fix."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from cicd_templates.deploy.doctor import (
    Check,
    ExaminedEnvironment,
    certificates,
    connections,
    names,
    provided,
    roles,
    secrets,
    subscriptions,
)
from cicd_templates.template.stack_template import StackTemplate
from tests.fakes.answering_aws import denied, missing
from tests.unit.deploy.doctor.doctor_fixtures import (
    CERTIFICATE,
    ISSUED,
    STAGING,
    TIME,
    TOOLS,
    aws,
    examined,
    layer,
    rewritten,
)
from tests.unit.deploy.plans.test_name_collisions import REPOSITORY, ROLE

CLUSTER = layer(STAGING, "cluster")
PIPELINE = layer(TOOLS, "pipeline")


def seen(
    subject: Callable[[ExaminedEnvironment], Iterator[Check]], stacks: list[StackTemplate], **answers: Any
) -> list[Check]:
    deployed = answers.pop("deployed", False)
    return list(subject(examined(aws(answers, deployed=deployed), stacks)))


def test_existing_roles_are_ok_and_missing_ones_come_with_their_command() -> None:
    scaled = rewritten(CLUSTER, "Type: AWS::ECS::Cluster", "Type: AWS::ApplicationAutoScaling::ScalableTarget")
    lost = seen(roles.check_service_linked_roles, [CLUSTER, scaled], **{"iam.get_role": missing("NoSuchEntity")})

    assert [check.fix for check in lost] == [
        "aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com",
        "aws iam create-service-linked-role --aws-service-name elasticloadbalancing.amazonaws.com",
        "aws iam create-service-linked-role --aws-service-name ecs.application-autoscaling.amazonaws.com",
    ]
    assert {
        check.status for check in seen(roles.check_service_linked_roles, [CLUSTER], **{"iam.get_role": {"Role": ROLE}})
    } == {"ok"}
    assert seen(roles.check_service_linked_roles, [layer(STAGING, "keys")]) == []
    with pytest.raises(type(denied()), match="AccessDenied"):
        seen(roles.check_service_linked_roles, [CLUSTER], **{"iam.get_role": denied()})


def test_the_local_aws_knows_no_roles_of_services_and_asks_for_none() -> None:
    fake = aws({"iam.get_role": missing("NoSuchEntity")})
    fake.endpoint_url = "http://127.0.0.1:4566"
    found = list(roles.check_service_linked_roles(examined(fake, [CLUSTER])))

    assert [(check.status, check.finding) for check in found] == [
        ("?", "AWSServiceRoleForECS is not known on the local AWS"),
        ("?", "AWSServiceRoleForElasticLoadBalancing is not known on the local AWS"),
    ]


def certificate(**facts: Any) -> dict[str, Any]:
    return {"acm.describe_certificate": {"Certificate": {**ISSUED, **facts}}}


RECORD = {"Name": "_a.example.com.", "Type": "CNAME", "Value": "_b.acm-validations.aws."}


@pytest.mark.parametrize(
    ("answers", "finding", "fix"),
    [
        pytest.param(certificate(), "issued for shipping.staging.example.com", "", id="issued"),
        pytest.param(
            certificate(SubjectAlternativeNames=["*.staging.example.com"]),
            "issued for *.staging.example.com",
            "",
            id="wildcard",
        ),
        pytest.param(
            certificate(SubjectAlternativeNames=["*.example.com"]),
            f"{CERTIFICATE} is for *.example.com, but the domain is shipping.staging.example.com",
            "aws acm request-certificate --region eu-central-1 --domain-name shipping.staging.example.com",
            id="a wildcard is one label",
        ),
        pytest.param(
            certificate(
                Status="PENDING_VALIDATION",
                DomainValidationOptions=[{"DomainName": "x", "ResourceRecord": RECORD}, {"DomainName": "y"}],
            ),
            f"{CERTIFICATE} is PENDING_VALIDATION",
            "add the DNS records that ACM waits for: _a.example.com. CNAME _b.acm-validations.aws.",
            id="not validated",
        ),
        pytest.param(
            certificate(Status="EXPIRED"), f"{CERTIFICATE} is EXPIRED", "aws acm request-certificate", id="expired"
        ),
        pytest.param(
            {"acm.describe_certificate": missing("ResourceNotFoundException")},
            f"{CERTIFICATE} does not exist",
            "aws acm request-certificate",
            id="missing",
        ),
    ],
)
def test_a_certificate_must_be_issued_for_the_domain(answers: dict[str, Any], finding: str, fix: str) -> None:
    (only,) = seen(certificates.check_certificates, [CLUSTER], **answers)

    assert only.finding == finding
    assert only.fix.startswith(fix)
    assert bool(only.fix) == bool(fix)


def test_a_certificate_of_another_region_is_not_even_asked_for() -> None:
    (only,) = seen(certificates.check_certificates, [rewritten(CLUSTER, "acm:eu-central-1", "acm:us-east-1")])

    assert only.finding.endswith(" is in us-east-1, but the load balancer is in eu-central-1")


def test_a_listener_whose_domain_is_not_known_takes_any_issued_certificate() -> None:
    stack = rewritten(
        CLUSTER, "Value: https://shipping.staging.example.com", "Value: !Sub 'http://${LoadBalancer.DNSName}'"
    )

    assert seen(certificates.check_certificates, [stack])[0].status == "ok"
    unknown = rewritten(CLUSTER, f"- CertificateArn: |-\n          {CERTIFICATE}", "- CertificateArn: !Ref KeyArn")
    assert seen(certificates.check_certificates, [unknown]) == []
    with pytest.raises(type(denied()), match="AccessDenied"):
        seen(certificates.check_certificates, [CLUSTER], **{"acm.describe_certificate": denied()})


CONNECTION = "arn:aws:codeconnections:eu-central-1:111111111111:connection/00000000-0000-4000-8000-000000000001"
CONNECTED = rewritten(PIPELINE, "S3ObjectKey: parcel-dispatcher/source.zip", f"ConnectionArn: {CONNECTION}")


@pytest.mark.parametrize(
    ("answer", "status", "finding"),
    [
        ({"Connection": {"ConnectionName": "github", "ConnectionStatus": "AVAILABLE"}}, "ok", "github is AVAILABLE"),
        ({"Connection": {"ConnectionStatus": "PENDING"}}, "fix", f"{CONNECTION} is PENDING"),
        (missing("ResourceNotFoundException"), "fix", f"{CONNECTION} does not exist"),
    ],
    ids=["authorised", "pending", "missing"],
)
def test_a_connection_needs_somebodys_handshake(answer: Any, status: str, finding: str) -> None:
    (only,) = seen(connections.check_connections, [CONNECTED], **{"codeconnections.get_connection": answer})

    assert (only.status, only.finding) == (status, finding)
    assert ("https://eu-central-1.console.aws.amazon.com/codesuite/settings/connections" in only.fix) == bool(only.fix)


def test_a_pipeline_without_a_connection_needs_none_and_a_refusal_is_not_hidden() -> None:
    assert seen(connections.check_connections, [PIPELINE]) == []
    with pytest.raises(type(denied()), match="AccessDenied"):
        seen(connections.check_connections, [CONNECTED])


def test_a_secret_without_a_version_has_no_value() -> None:
    build = layer(TOOLS, "build")
    empty = seen(secrets.check_secrets, [build], deployed=True, **{"secretsmanager.describe_secret": {"Name": "n"}})

    assert empty[1] == Check(
        "secret shipping-tools-parcel-dispatcher-snyk-token",
        "has no value, so nothing can read it",
        "make secret ENV=tools SERVICE=parcel-dispatcher NAME=snyk-token",
    )
    assert {check.status for check in seen(secrets.check_secrets, [build], deployed=True)} == {"ok"}
    assert seen(secrets.check_secrets, [build]) == []


def test_a_secret_that_is_being_deleted_has_no_value_that_can_be_read() -> None:
    build = layer(TOOLS, "build")
    # As recorded on AWS: a secret that is scheduled for deletion still has its versions.
    going = {
        "Name": "n",
        "DeletedDate": datetime(2026, 1, 1, tzinfo=UTC),
        "VersionIdsToStages": {"1" * 32: ["AWSCURRENT"]},
    }
    name = "shipping-tools-parcel-dispatcher-snyk-token"
    checks = seen(secrets.check_secrets, [build], deployed=True, **{"secretsmanager.describe_secret": going})

    assert checks[1] == Check(
        f"secret {name}",
        "the secret is scheduled for deletion, so nothing can read it",
        f"aws secretsmanager restore-secret --secret-id {name}",
    )
    assert {check.status for check in checks} == {"fix"}


def test_the_way_to_give_a_secret_its_value_stays_on_the_local_aws_and_the_copy() -> None:
    build = layer(TOOLS, "build")
    copy = replace(build, facts=build.facts._replace(suffix="pr1"))
    fake = aws({"secretsmanager.describe_secret": {"Name": "n"}}, deployed=True)
    fake.endpoint_url = "http://127.0.0.1:4566"

    assert {check.fix.partition(" NAME=")[0] for check in secrets.check_secrets(examined(fake, [copy]))} == {
        "make secret ENV=tools SUFFIX=pr1 SERVICE=parcel-dispatcher"
    }
    assert all(check.fix.endswith(" LOCAL=1") for check in secrets.check_secrets(examined(fake, [copy])))


def test_a_generated_value_is_not_yet_the_true_one() -> None:
    build = rewritten(
        layer(TOOLS, "build"),
        "      Description: snyk-token",
        "      GenerateSecretString: {}\n      Description: snyk-token",
    )
    made = {"secretsmanager.describe_secret": {"VersionIdsToStages": {"a" * 32: ["AWSCURRENT"]}}}
    put = {
        "secretsmanager.describe_secret": {"VersionIdsToStages": {"a" * 32: ["AWSPREVIOUS"], "b" * 32: ["AWSCURRENT"]}}
    }

    assert [check.finding for check in seen(secrets.check_secrets, [build], deployed=True, **made)] == [
        "has a value",
        "the secret has only its generated value",
    ]
    assert {check.status for check in seen(secrets.check_secrets, [build], deployed=True, **put)} == {"ok"}


def test_subscribers_who_have_not_confirmed_are_reported() -> None:
    topic = "arn:aws:sns:eu-central-1:222222222222:shipping-staging-developers"
    resources = [
        {
            "LogicalResourceId": name,
            "ResourceType": kind,
            "ResourceStatus": "CREATE_COMPLETE",
            "LastUpdatedTimestamp": TIME,
            "PhysicalResourceId": topic,
        }
        for name, kind in (("Developers", "AWS::SNS::Topic"), ("Reader", "AWS::SNS::Subscription"))
    ]
    readers = [
        {"Protocol": "email", "Endpoint": "a@example.com", "SubscriptionArn": f"{topic}:1"},
        {"Protocol": "email", "Endpoint": "b@example.com", "SubscriptionArn": "PendingConfirmation"},
        {"Protocol": "sqs", "Endpoint": "arn:aws:sqs:eu-central-1:222222222222:q", "SubscriptionArn": f"{topic}:2"},
    ]
    found = seen(
        subscriptions.check_subscriptions,
        [layer(STAGING, "notifications"), layer(STAGING, "keys")],
        deployed=True,
        **{
            "cloudformation.list_stack_resources": {"StackResourceSummaries": resources},
            "sns.list_subscriptions_by_topic": [{"Subscriptions": [reader]} for reader in readers],
        },
    )

    assert [(check.finding, check.status) for check in found] == [
        ("a@example.com has confirmed", "ok"),
        ("b@example.com has not confirmed, so it receives nothing", "fix"),
    ]
    assert found[1].fix.endswith(
        f"aws sns subscribe --topic-arn {topic} --protocol email --notification-endpoint b@example.com"
    )


def test_names_that_are_taken_come_with_their_owner_and_the_way_out() -> None:
    registry = [layer(TOOLS, "registry")]
    (taken,) = seen(names.check_names, registry, **REPOSITORY)

    assert taken.subject == "AWS::ECR::Repository shipping-tools-parcel-dispatcher"
    assert taken.finding == "already exists, so the stack registry-parcel-dispatcher cannot create it; it has no tags"
    assert taken.status == "fix"
    assert seen(names.check_names, registry) == [Check("names", "all free")]
    unread, rest = seen(names.check_names, registry, **{"ecr.describe_repositories": denied()})
    assert (unread.status, unread.subject, rest.status) == ("?", "names of AWS::ECR::Repository", "ok")


KEY = "arn:aws:kms:eu-central-1:222222222222:key/1"
TOPIC = "arn:aws:sns:eu-central-1:222222222222:t"


def subnets(*zones: str) -> dict[str, Any]:
    return {"ec2.describe_subnets": {"Subnets": [{"AvailabilityZone": zone, "VpcId": "vpc-1"} for zone in zones]}}


@pytest.mark.parametrize(
    ("value", "answers", "problem"),
    [
        ("vpc-1", {}, ""),
        ("vpc-1", {"ec2.describe_vpcs": missing("InvalidVpcID.NotFound")}, "does not exist here"),
        ("subnet-1,subnet-2", subnets("a", "b"), ""),
        ("subnet-1,subnet-2", subnets("a", "a"), "is in a only, but a load balancer needs two zones"),
        ("subnet-1", {"ec2.describe_subnets": missing("InvalidSubnetID.Malformed")}, "does not exist here"),
        ("sg-1", {"ec2.describe_security_groups": {"SecurityGroups": [{"VpcId": "vpc-1"}]}}, ""),
        (KEY, {"kms.describe_key": {"KeyMetadata": {"KeyId": "1", "KeyState": "Enabled"}}}, ""),
        (KEY, {"kms.describe_key": {"KeyMetadata": {"KeyId": "1", "KeyState": "Disabled"}}}, "is Disabled"),
        (TOPIC, {"sns.get_topic_attributes": missing("NotFound")}, "does not exist here"),
        (TOPIC, {"sns.get_topic_attributes": {}}, ""),
        ("my-bucket", {}, ""),
        ("arn:aws:kms", {}, ""),
    ],
)
def test_a_provided_value_must_exist(value: str, answers: dict[str, Any], problem: str) -> None:
    (only,) = provided.check_provided_values(examined(aws(answers), provided={"network.Value": value}))

    assert only.subject == "provided network.Value"
    assert only.finding == f"{value} {problem}".strip()
    assert bool(only.fix) == bool(problem)


@pytest.mark.parametrize(
    ("value", "answers"),
    [
        ("subnet-1,subnet-2", subnets("a", "b")),
        ("sg-1", {"ec2.describe_security_groups": {"SecurityGroups": [{"VpcId": "vpc-1"}]}}),
    ],
)
def test_provided_values_must_be_of_the_provided_network(value: str, answers: dict[str, Any]) -> None:
    given = {"network.VpcId": "vpc-9", "network.Value": value}
    found = list(provided.check_provided_values(examined(aws(answers), provided=given)))

    assert found[1].finding == f"{value} is in vpc-1, but the provided VPC is vpc-9"


def test_a_value_that_may_not_be_looked_up_is_unknown() -> None:
    with pytest.raises(type(denied()), match="AccessDenied"):
        list(
            provided.check_provided_values(
                examined(aws({"ec2.describe_vpcs": denied()}), provided={"network.VpcId": "vpc-1"})
            )
        )
