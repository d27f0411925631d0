"""Whether the values that the configuration provides exist in the account and fit each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from cicd_templates.deploy.doctor.checks import Check, Patient

CORRECT = "correct it under [environments.<name>.provided] in templates/environments.toml"
# A load balancer wants subnets in two zones:
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html
LEAST_ZONES = 2


def checks(patient: Patient) -> Iterator[Check]:
    """One check for each provided value of a kind that can be looked up by its form."""
    vpc = next((value for value in patient.provided.values() if value.startswith("vpc-")), None)
    for key, value in patient.provided.items():
        try:
            problem = _problem(patient, value, vpc)
        except ClientError as error:
            # EC2 has one code for each kind, such as InvalidVpcID.NotFound.
            code = error.response["Error"]["Code"]
            if not code.endswith(("NotFound", "NotFoundException", "Malformed")):
                raise
            problem = "does not exist here"
        yield Check(f"provided {key}", f"{value}{' ' if problem else ''}{problem}", CORRECT if problem else "")


def _problem(patient: Patient, value: str, vpc: str | None) -> str:
    """What is wrong with a value, or nothing. Raises the client's error where it does not exist."""
    ids = value.split(",")
    if value.startswith("vpc-"):
        patient.clients.ec2.describe_vpcs(VpcIds=ids)
    elif value.startswith("subnet-"):
        return _subnets(patient.clients.ec2.describe_subnets(SubnetIds=ids)["Subnets"], vpc)
    elif value.startswith("sg-"):
        groups = patient.clients.ec2.describe_security_groups(GroupIds=ids)["SecurityGroups"]
        return _in_the_vpc(groups, vpc)
    elif value.startswith("arn:") and value.split(":")[2] == "kms":
        state = patient.clients.kms.describe_key(KeyId=value)["KeyMetadata"]["KeyState"]
        return "" if state == "Enabled" else f"is {state}"
    elif value.startswith("arn:") and value.split(":")[2] == "sns":
        patient.clients.sns.get_topic_attributes(TopicArn=value)
    return ""


def _subnets(subnets: Any, vpc: str | None) -> str:
    zones = {subnet["AvailabilityZone"] for subnet in subnets}
    if len(zones) < LEAST_ZONES:
        return f"is in {', '.join(sorted(zones))} alone, and a load balancer needs two zones"
    return _in_the_vpc(subnets, vpc)


def _in_the_vpc(found: Any, vpc: str | None) -> str:
    others = sorted({each["VpcId"] for each in found} - {vpc})
    return f"is in {', '.join(others)}, and the VPC provided is {vpc}" if vpc and others else ""
