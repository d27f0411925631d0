"""Whether somebody has authorised the connection to the source provider, which no API can do."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.resource_types.operations import NOT_FOUND_CODES
from cicd_templates.deploy.doctor.checks import Check, Patient


def checks(patient: Patient) -> Iterator[Check]:
    """One check for each connection that a pipeline takes its source through."""
    for stack, _, pipeline in patient.resources("AWS::CodePipeline::Pipeline"):
        for stage in pipeline["Stages"]:
            for action in stage["Actions"]:
                arn = action.get("Configuration", {}).get("ConnectionArn")
                if isinstance(arn, str):
                    yield _checked(patient, stack.region, arn)


def _checked(patient: Patient, region: str, arn: str) -> Check:
    # https://docs.aws.amazon.com/dtconsole/latest/userguide/connections-update.html
    console = f"https://{region}.console.aws.amazon.com/codesuite/settings/connections"
    try:
        connection = patient.clients.codeconnections.get_connection(ConnectionArn=arn)["Connection"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in NOT_FOUND_CODES:
            raise
        return Check("connection", f"{arn} does not exist", f"make one at {console} and name it as connection_arn")
    finding = f"{connection.get('ConnectionName', arn)} is {connection['ConnectionStatus']}"
    fix = "" if connection["ConnectionStatus"] == "AVAILABLE" else f"finish its handshake at {console}"
    return Check("connection", finding, fix)
