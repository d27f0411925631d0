"""CodeBuild projects, read from resource properties with resolved references. Calls no AWS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TYPE = "AWS::CodeBuild::Project"


@dataclass(frozen=True)
class Setting:
    """A variable of a build's environment: its value, or where the value is."""

    name: str
    value: str
    kind: str = "PLAINTEXT"


@dataclass(frozen=True)
class Project:
    """One project. `cache` is bucket and prefix, empty without one."""

    name: str
    arn: str
    role: str
    buildspec: str
    settings: tuple[Setting, ...]
    timeout_minutes: int
    log_group: str
    cache: str
    key: str

    @property
    def needs_a_service(self) -> list[str]:
        """Return the variables whose values are secrets: what has them talks to a service of somebody's."""
        return [setting.name for setting in self.settings if setting.kind == "SECRETS_MANAGER"]


def read_project(properties: Mapping[str, Any], account: str, region: str) -> Project:
    """Return the project of a resource's resolved properties."""
    cache = properties.get("Cache", {})
    return Project(
        name=properties["Name"],
        arn=f"arn:aws:codebuild:{region}:{account}:project/{properties['Name']}",
        role=properties["ServiceRole"],
        buildspec=properties["Source"]["BuildSpec"],
        settings=tuple(
            Setting(each["Name"], each["Value"], each.get("Type", "PLAINTEXT"))
            for each in properties["Environment"].get("EnvironmentVariables", ())
        ),
        timeout_minutes=int(properties.get("TimeoutInMinutes", 60)),
        log_group=properties.get("LogsConfig", {}).get("CloudWatchLogs", {}).get("GroupName", ""),
        cache=cache.get("Location", "") if cache.get("Type") == "S3" else "",
        key=properties.get("EncryptionKey", ""),
    )
