"""Checks whether a pipeline's connection to its source provider is authorised.

A connection can be authorised in the console, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.resource_types.operations import NOT_FOUND_CODES
from cicd_templates.deploy.doctor.checks import Check, ExaminedEnvironment
from cicd_templates.template.partitions import console_address


def check_connections(examined: ExaminedEnvironment) -> Iterator[Check]:
    """Yield a result for each connection through which a pipeline gets its source."""
    for stack, _, pipeline in examined.resources("AWS::CodePipeline::Pipeline"):
        for stage in pipeline["Stages"]:
            for action in stage["Actions"]:
                arn = action.get("Configuration", {}).get("ConnectionArn")
                if isinstance(arn, str):
                    yield _check_connection(examined, stack.region, arn)


def _check_connection(examined: ExaminedEnvironment, region: str, arn: str) -> Check:
    # https://docs.aws.amazon.com/dtconsole/latest/userguide/connections-update.html
    console = f"{console_address(region)}/codesuite/settings/connections"
    try:
        connection = examined.clients.codeconnections.get_connection(ConnectionArn=arn)["Connection"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in NOT_FOUND_CODES:
            raise
        return Check(
            "connection", f"{arn} does not exist", f"create a connection at {console} and set connection_arn to its ARN"
        )
    finding = f"{connection.get('ConnectionName', arn)} is {connection['ConnectionStatus']}"
    fix = (
        "" if connection["ConnectionStatus"] == "AVAILABLE" else f"finish the handshake of the connection at {console}"
    )
    return Check("connection", finding, fix)
