"""Creates clients of AWS services in another account, with the permissions of a role in that account."""

from __future__ import annotations

from typing import Any


def client_in_role(service: str, role: str, region: str, session: str) -> Any:
    """Return a client of an AWS service with the permissions of `role`; `session` is the name of the role session."""
    import boto3

    assumed = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName=session)["Credentials"]
    client: Any = boto3.client
    return client(
        service,
        region_name=region,
        aws_access_key_id=assumed["AccessKeyId"],
        aws_secret_access_key=assumed["SecretAccessKey"],
        aws_session_token=assumed["SessionToken"],
    )
