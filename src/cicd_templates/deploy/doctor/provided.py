"""Checks whether the resources under `provided` in the configuration, such as a VPC, exist and fit together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from cicd_templates.deploy.doctor.checks import Check, ExaminedEnvironment
from cicd_templates.template.arn import Arn

CORRECT_PROVIDED_VALUE = "correct it under [environments.<name>.provided] in templates/environments.toml"
# A load balancer needs subnets in two availability zones:
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html
LEAST_ZONES = 2


def check_provided_values(examined: ExaminedEnvironment) -> Iterator[Check]:
    """Yield a result for each value under `provided` in the configuration, such as the id of a VPC.

    Only ids and ARNs of known services are looked up in AWS.
    """
    vpc = next((value for value in examined.provided.values() if value.startswith("vpc-")), None)
    for key, value in examined.provided.items():
        try:
            problem = _find_problem(examined, value, vpc)
        except ClientError as error:
            # EC2 has a separate error code for each type of resource, such as InvalidVpcID.NotFound.
            code = error.response["Error"]["Code"]
            if not code.endswith(("NotFound", "NotFoundException", "Malformed")):
                raise
            problem = "does not exist here"
        yield Check(
            f"provided {key}", f"{value}{' ' if problem else ''}{problem}", CORRECT_PROVIDED_VALUE if problem else ""
        )


def _find_problem(examined: ExaminedEnvironment, value: str, vpc: str | None) -> str:
    """Return what is wrong with a value that the configuration provides, or an empty string.

    Raises `ClientError` if AWS has no such resource.
    """
    ids = value.split(",")
    if value.startswith("vpc-"):
        examined.clients.ec2.describe_vpcs(VpcIds=ids)
    elif value.startswith("subnet-"):
        return _subnet_problem(examined.clients.ec2.describe_subnets(SubnetIds=ids)["Subnets"], vpc)
    elif value.startswith("sg-"):
        groups = examined.clients.ec2.describe_security_groups(GroupIds=ids)["SecurityGroups"]
        return _vpc_problem(groups, vpc)
    elif _service_of(value) == "kms":
        state = examined.clients.kms.describe_key(KeyId=value)["KeyMetadata"]["KeyState"]
        return "" if state == "Enabled" else f"is {state}"
    elif _service_of(value) == "sns":
        examined.clients.sns.get_topic_attributes(TopicArn=value)
    return ""


def _service_of(value: str) -> str:
    """Return the name of the service in an ARN, or an empty string if `value` is not an ARN."""
    try:
        return Arn.parse(value).service
    except ValueError:
        return ""


def _subnet_problem(subnets: Any, vpc: str | None) -> str:
    zones = {subnet["AvailabilityZone"] for subnet in subnets}
    if len(zones) < LEAST_ZONES:
        return f"is in {', '.join(sorted(zones))} only, but a load balancer needs two zones"
    return _vpc_problem(subnets, vpc)


def _vpc_problem(resources: Any, vpc: str | None) -> str:
    others = sorted({resource["VpcId"] for resource in resources} - {vpc})
    return f"is in {', '.join(others)}, but the provided VPC is {vpc}" if vpc and others else ""
