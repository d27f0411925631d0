"""Adds resource types that the local AWS lacks. Their resources are recorded, but not really created.

Operations on these resources succeed. The record is a file in the engine's folder. A command that destroys an
environment finds the resources in this record, because no service API lists them. Tests can use a second file to make
the operations of a type fail.

This module runs inside the interpreters of the local AWS and of this program, so it imports only the standard library.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

RECORD_FILE = "recorded.json"
FAILURES_FILE = "failures.json"
STARTS_FILE = "starts.json"

Properties = Mapping[str, Any]

# For each type, the values of Ref (key None) and of each GetAtt. They follow `primaryIdentifier` and
# `readOnlyProperties` of the schemas. A placeholder names a property of the resource, or a few other values such as
# `{token}`, which is unique to the resource. A property that is missing gets a unique value.
TYPES: dict[str, dict[str | None, str]] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": {
        None: "{ResourceId}|{ScalableDimension}|{ServiceNamespace}",
        "Id": "{ResourceId}|{ScalableDimension}|{ServiceNamespace}",
    },
    "AWS::ApplicationAutoScaling::ScalingPolicy": {
        None: "arn:aws:autoscaling:{region}:{account}:scalingPolicy:{token}:policyName/{PolicyName}",
        "Arn": "arn:aws:autoscaling:{region}:{account}:scalingPolicy:{token}:policyName/{PolicyName}",
    },
    "AWS::CloudWatch::CompositeAlarm": {
        None: "{AlarmName}",
        "Arn": "arn:aws:cloudwatch:{region}:{account}:alarm:{AlarmName}",
    },
    "AWS::CodeBuild::ReportGroup": {
        None: "arn:aws:codebuild:{region}:{account}:report-group/{Name}",
        "Arn": "arn:aws:codebuild:{region}:{account}:report-group/{Name}",
    },
    "AWS::CodeConnections::Connection": {
        None: "arn:aws:codeconnections:{region}:{account}:connection/{uuid}",
        "ConnectionArn": "arn:aws:codeconnections:{region}:{account}:connection/{uuid}",
        "ConnectionStatus": "PENDING",
        "OwnerAccountId": "{account}",
    },
    "AWS::CodePipeline::Pipeline": {
        None: "{Name}",
        "Arn": "arn:aws:codepipeline:{region}:{account}:{Name}",
        "Version": "1",
    },
    "AWS::CodeStarNotifications::NotificationRule": {
        None: "arn:aws:codestar-notifications:{region}:{account}:notificationrule/{token}",
        "Arn": "arn:aws:codestar-notifications:{region}:{account}:notificationrule/{token}",
    },
    # RFC 2544 reserves 198.18.0.0/15 for tests.
    "AWS::EC2::EIP": {
        None: "198.18.{address}",
        "AllocationId": "eipalloc-{token}",
        "PublicIp": "198.18.{address}",
    },
    "AWS::EC2::FlowLog": {None: "fl-{token}", "Id": "fl-{token}"},
    "AWS::EC2::NatGateway": {None: "nat-{token}", "NatGatewayId": "nat-{token}"},
    "AWS::EC2::SecurityGroupEgress": {None: "sgr-{token}", "Id": "sgr-{token}"},
    "AWS::EC2::SecurityGroupIngress": {None: "sgr-{token}", "Id": "sgr-{token}"},
    "AWS::EC2::VPCBlockPublicAccessOptions": {None: "{account}", "AccountId": "{account}"},
    "AWS::ECR::RegistryScanningConfiguration": {None: "{account}", "RegistryId": "{account}"},
    "AWS::ECS::ClusterCapacityProviderAssociations": {None: "{Cluster}"},
    "AWS::Events::Archive": {
        None: "{ArchiveName}",
        "Arn": "arn:aws:events:{region}:{account}:archive/{ArchiveName}",
    },
    "AWS::IAM::OIDCProvider": {
        None: "arn:aws:iam::{account}:oidc-provider/{host}",
        "Arn": "arn:aws:iam::{account}:oidc-provider/{host}",
    },
    "AWS::IAM::RolePolicy": {None: "{PolicyName}|{RoleName}"},
    "AWS::Logs::QueryDefinition": {None: "{uuid}", "QueryDefinitionId": "{uuid}"},
    "AWS::SecretsManager::ResourcePolicy": {None: "{SecretId}", "Id": "{SecretId}"},
    "AWS::Synthetics::Canary": {None: "{Name}", "Id": "{uuid}", "State": "READY"},
    "AWS::WAFv2::LoggingConfiguration": {None: "{ResourceArn}", "ManagedByFirewallManager": "false"},
    "AWS::WAFv2::WebACLAssociation": {None: "{ResourceArn}|{WebACLArn}"},
}


class Record:
    """Records resources in a file. Every method reads or writes the file, so all processes see the same resources."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / RECORD_FILE
        self._failures = folder / FAILURES_FILE
        self._starts = folder / STARTS_FILE

    def entries(self, account: str | None = None) -> list[dict[str, str]]:
        """Return the recorded resources of `account`, or of all accounts.

        Each entry has `type`, `id`, `account`, `region`, `stack` and `logical_id`.
        """
        return [entry for entry in self._read(self._file, []) if account in (None, entry["account"])]

    def add(self, entry: dict[str, str]) -> None:
        """Record that a resource exists."""
        self._write(self._file, [*self.entries(), entry])

    def remove(self, gone: dict[str, str]) -> None:
        """Remove the first recorded resource that matches all fields of `gone`. Do nothing if there is none.

        Only one resource is removed, because another account or stack may have a resource with the same type and id.
        """
        entries = self.entries()
        found = next((entry for entry in entries if gone.items() <= entry.items()), None)
        if found:
            entries.remove(found)
            self._write(self._file, entries)

    def fail(self, resource_type: str, operation: str, reason: str) -> None:
        """Make an operation on resources of a type fail with `reason`, until the engine is reset.

        `operation` is create, update or delete.
        """
        failures = self._read(self._failures, {})
        failures.setdefault(resource_type, {})[operation] = reason
        self._write(self._failures, failures)

    def fail_no_more(self) -> None:
        """Cancel every failure that `fail` has requested."""
        self._write(self._failures, {})

    def raise_requested_failure(self, resource_type: str, operation: str) -> None:
        """If a test has called `fail` for this type and operation, raise `ValueError` with the reason from the test."""
        reason = self._read(self._failures, {}).get(resource_type, {}).get(operation)
        if reason:
            raise ValueError(reason)

    def start(self, request: dict[str, Any]) -> None:
        """Record a request that would have started a pipeline."""
        self._write(self._starts, [*self.starts(), request])

    def starts(self, account: str | None = None) -> list[dict[str, Any]]:
        """Return the recorded requests to start a pipeline in `account`, or in all accounts. The oldest comes first."""
        return [start for start in self._read(self._starts, []) if account in (None, start["account"])]

    def clear(self) -> None:
        """Delete all records, including the failures that `fail` has set."""
        self._file.unlink(missing_ok=True)
        self._starts.unlink(missing_ok=True)
        self._failures.unlink(missing_ok=True)

    @staticmethod
    def _write(path: Path, content: Any) -> None:
        # Replace the file atomically, because the other process may be reading it.
        written = path.with_suffix(".new")
        written.write_text(json.dumps(content))
        os.replace(written, path)

    @staticmethod
    def _read(path: Path, default: Any) -> Any:
        return json.loads(path.read_text()) if path.exists() else default


def handlers(
    resource_type: str, record: Record, account: Callable[[], str], region: Callable[[], str]
) -> dict[str, Any]:
    """Return the functions with which the engine creates, updates and deletes resources of `resource_type`.

    An update keeps the physical id. Without an update handler, the engine would create a new resource with a new
    physical id, and all references to the resource would change.
    """

    def create(logical_id: str, properties: Properties, stack: str) -> tuple[str, dict[str, str]]:
        record.raise_requested_failure(resource_type, "create")
        physical_id, attributes = _spelled(logical_id, properties, stack)
        where = {"account": account(), "region": region(), "stack": stack, "logical_id": logical_id}
        record.add({"type": resource_type, "id": physical_id, **where})
        return physical_id, attributes

    def update(
        physical_id: str, _before: Properties, properties: Properties, stack: str, logical_id: str
    ) -> tuple[str, dict[str, str]]:
        record.raise_requested_failure(resource_type, "update")
        return physical_id, _spelled(logical_id, properties, stack)[1]

    def delete(physical_id: str, _properties: Properties, logical_id: str) -> None:
        record.raise_requested_failure(resource_type, "delete")
        where = {"account": account(), "region": region(), "logical_id": logical_id}
        record.remove({"type": resource_type, "id": physical_id, **where})

    def _spelled(logical_id: str, properties: Properties, stack: str) -> tuple[str, dict[str, str]]:
        own = hashlib.sha256(f"{account()}/{region()}/{stack}/{logical_id}".encode())
        token = own.hexdigest()[:17]
        words = defaultdict(
            lambda: f"{stack}-{logical_id}-{token}",
            {key: value for key, value in properties.items() if isinstance(value, str)},
            token=token,
            uuid=str(uuid.UUID(bytes=own.digest()[:16])),
            address="{}.{}".format(*own.digest()[:2]),
            host=str(properties.get("Url", "")).removeprefix("https://"),
            account=account(),
            region=region(),
        )
        spellings = {name: spelling.format_map(words) for name, spelling in TYPES[resource_type].items()}
        return spellings.pop(None), {str(name): value for name, value in spellings.items()}

    return {
        "create": create,
        "update": update,
        "update_with_logical_id": True,
        "delete": delete,
        "delete_with_logical_id": True,
    }


def register(table: dict[str, Any], folder: Path, account: Callable[[], str], region: Callable[[], str]) -> None:
    """Add every recorded type to `table`, the engine's table of handlers.

    Raises `ValueError` if the engine itself supports one of these types. In this case, remove the type from `TYPES`.
    """
    both = sorted(TYPES.keys() & table.keys())
    if both:
        raise ValueError(
            f"the local AWS now supports these types itself; remove them from recorded_types.TYPES: {', '.join(both)}"
        )
    record = Record(folder)
    record.clear()
    for resource_type in TYPES:
        table[resource_type] = handlers(resource_type, record, account, region)
