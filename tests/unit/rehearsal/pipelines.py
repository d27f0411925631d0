"""Small pipelines for tests, in the form of resolved resource properties."""

from __future__ import annotations

from typing import Any


def action(name: str, provider: str = "CodeBuild", **more: Any) -> dict[str, Any]:
    return {"Name": name, "ActionTypeId": {"Provider": provider}, **more}


def rule(name: str, provider: str, **configuration: str) -> dict[str, Any]:
    return {"Name": name, "RuleTypeId": {"Provider": provider}, "Configuration": configuration}


def conditions(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"Conditions": [{"Result": "FAIL", "Rules": list(rules)}]}


def stage(name: str, *actions: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Name": name, "Actions": list(actions), **more}


def artifacts(*names: str) -> list[dict[str, str]]:
    return [{"Name": name} for name in names]


def properties(*stages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "Name": "p",
        "RoleArn": "arn:aws:iam::111111111111:role/pipeline",
        "ArtifactStore": {"Type": "S3", "Location": "bucket", "EncryptionKey": {"Id": "arn:key", "Type": "KMS"}},
        "Stages": list(stages),
        **more,
    }
