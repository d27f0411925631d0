"""The roles that deploy a service have all permissions of CloudFormation's resource handlers for its resource types."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.deploy.permissions.handler_actions import handler_permissions
from templates import delivery, service
from tests.conftest import environment

SERVICE = "services/parcel-dispatcher"
BOUNDARY = "arn:aws:iam::222222222222:policy/boundary"
# Every setting that adds a resource type, a property or a permission to the layer `service`.
EVERYTHING = [
    (f"{SERVICE}/audited_exec", True),
    (f"{SERVICE}/autoscaling", {"minimum": 1, "maximum": 4, "cpu_percent": 60}),
    (f"{SERVICE}/secrets", {"TOKEN": "token"}),
]
# Permissions that a schema lists for properties which the layer does not use.
EXCEPTIONS = {
    "firehose:TagDeliveryStream": "delivery of logs to Firehose",
    "s3:REST.PUT.OBJECT": "delivery of logs to S3",
    "logs:CreateLogDelivery": "delivery of logs to other services",
    "logs:DeleteIndexPolicy": "FieldIndexPolicies",
    "logs:PutIndexPolicy": "FieldIndexPolicies",
    "logs:DeleteResourcePolicy": "ResourcePolicyDocument",
    "logs:PutResourcePolicy": "ResourcePolicyDocument",
    "logs:PutBearerTokenAuthentication": "BearerTokenAuthenticationEnabled",
    "logs:PutLogGroupDeletionProtection": "DeletionProtectionEnabled",
    "iam:AttachRolePolicy": "ManagedPolicyArns: roles have inline policies only",
    "iam:DetachRolePolicy": "ManagedPolicyArns: roles have inline policies only",
    "lambda:DeleteProvisionedConcurrencyConfig": "scalable targets of Lambda",
    "lambda:GetProvisionedConcurrencyConfig": "scalable targets of Lambda",
    "lambda:PutProvisionedConcurrencyConfig": "scalable targets of Lambda",
}
# The properties that the exceptions above name.
UNUSED = {
    "AWS::Logs::LogGroup": {
        "FieldIndexPolicies", "ResourcePolicyDocument", "BearerTokenAuthenticationEnabled", "DeletionProtectionEnabled",
    },
    "AWS::IAM::Role": {"ManagedPolicyArns"},
}  # fmt: skip


def resources(layer: Any, *edits: tuple[str, Any], name: str = "staging") -> dict[str, Any]:
    env = environment(name, *edits)
    found: dict[str, Any] = layer.build(env, env.services[0]).template.to_dict()["Resources"]
    return found


def statements(role: str, *edits: tuple[str, Any], name: str = "staging") -> dict[str, dict[str, Any]]:
    (policy,) = resources(delivery, *edits, name=name)[role]["Properties"]["Policies"]
    return {statement["Sid"]: statement for statement in policy["PolicyDocument"]["Statement"]}


def allowed(role: str, *edits: tuple[str, Any]) -> set[str]:
    return {action for statement in statements(role, *edits).values() for action in statement["Action"]}


def needed(types: set[str]) -> dict[str, set[str]]:
    """Return the permissions of each type's handlers except `list`, which only the registry's own inventory calls."""
    return {
        name: {permission for kind, permissions in handler_permissions(name, "eu-central-1").items() if kind != "list"
               for permission in permissions}
        for name in types
    }  # fmt: skip


@pytest.mark.parametrize("boundary", [None, BOUNDARY], ids=["no boundary", "boundary"])
@pytest.mark.parametrize("name", ["staging", "production"])
def test_the_role_of_cloudformation_has_every_permission_of_the_handlers_of_its_types(
    name: str, boundary: str | None
) -> None:
    own = boundary and boundary.replace("222222222222", environment(name).account)
    edits = [*EVERYTHING, *([(f"environments/{name}/permissions_boundary", own)] if own else [])]
    handled = resources(service, *edits, name=name)
    types = {resource["Type"] for resource in handled.values()}
    granted = {
        action for each in statements("CloudFormationRole", *edits, name=name).values() for action in each["Action"]
    }
    other = "iam:DeleteRolePermissionsBoundary" if boundary else "iam:PutRolePermissionsBoundary"

    lacking = {
        kind: sorted(permissions - granted - EXCEPTIONS.keys() - {other}) for kind, permissions in needed(types).items()
    }
    assert {kind: permissions for kind, permissions in lacking.items() if permissions} == {}
    assert len(types) == 7


def test_each_exception_is_a_permission_of_a_property_that_is_not_used() -> None:
    handled = resources(service, *EVERYTHING)
    listed = {permission for permissions in needed({each["Type"] for each in handled.values()}).values()
              for permission in permissions}  # fmt: skip

    assert EXCEPTIONS.keys() <= listed
    for resource in handled.values():
        assert not UNUSED.get(resource["Type"], set()) & resource["Properties"].keys()


CHECKED = {
    "AWS::EC2::Subnet::Id": "ec2:DescribeSubnets",
    "AWS::EC2::SecurityGroup::Id": "ec2:DescribeSecurityGroups",
    "AWS::EC2::VPC::Id": "ec2:DescribeVpcs",
    "AWS::EC2::AvailabilityZone::Name": "ec2:DescribeAvailabilityZones",
    "AWS::EC2::Image::Id": "ec2:DescribeImages",
    "AWS::EC2::KeyPair::KeyName": "ec2:DescribeKeyPairs",
    "AWS::Route53::HostedZone::Id": "route53:GetHostedZone",
}


@pytest.mark.parametrize("role", ["DeliveryRole", "CloudFormationRole"])
def test_both_roles_may_resolve_the_parameters_of_the_template_and_check_what_they_name(role: str) -> None:
    env = environment("staging", *EVERYTHING)
    parameters = service.build(env, env.services[0]).template.to_dict()["Parameters"]
    types = {parameter["Type"] for parameter in parameters.values()}
    checks = {check for kind, check in CHECKED.items() for each in types if kind in each}

    assert any(each.startswith("AWS::SSM::Parameter::Value<") for each in types)
    assert len(checks) == 2
    assert {"ssm:GetParameters", *checks} <= allowed(role, *EVERYTHING)
    (read,) = statements(role)["ReadValues"]["Resource"]
    assert read["Fn::Sub"].endswith(":parameter/shipping/staging/*")


def test_the_pipeline_may_tag_the_stack_as_its_template_configuration_says() -> None:
    tag = statements("DeliveryRole")["TagTheStack"]

    assert tag["Action"] == ["cloudformation:TagResource", "cloudformation:UntagResource"]
    assert tag["Resource"] == statements("DeliveryRole")["FollowTheDeployment"]["Resource"]


def test_a_boundary_can_be_added_to_live_roles_but_never_taken_from_them() -> None:
    edits = [("environments/staging/permissions_boundary", BOUNDARY)]
    bounded = statements("CloudFormationRole", *edits)

    assert bounded["BoundTheTaskRoles"]["Action"] == ["iam:PutRolePermissionsBoundary"]
    assert bounded["BoundTheTaskRoles"]["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}}
    assert bounded["BoundTheTaskRoles"]["Resource"] == bounded["MakeTheTaskRoles"]["Resource"]
    assert "iam:DeleteRolePermissionsBoundary" not in allowed("CloudFormationRole", *edits)


def test_a_boundary_that_was_removed_from_the_configuration_can_be_removed_from_the_roles() -> None:
    free = statements("CloudFormationRole")["RemoveAFormerBoundary"]

    assert free["Action"] == ["iam:DeleteRolePermissionsBoundary"]
    assert "iam:PutRolePermissionsBoundary" not in allowed("CloudFormationRole")
