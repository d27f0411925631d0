"""Reads CodeBuild projects from resource properties whose references are already resolved. Never calls AWS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PROJECT_TYPE = "AWS::CodeBuild::Project"


@dataclass(frozen=True)
class Setting:
    """An environment variable of a build. `kind` is CodeBuild's type of the variable, such as `PLAINTEXT`.

    For `PLAINTEXT`, `value` is the value itself. Otherwise `value` is the name of a secret in Secrets Manager or of a
    parameter in Parameter Store.
    """

    name: str
    value: str
    kind: str = "PLAINTEXT"


@dataclass(frozen=True)
class Project:
    """A CodeBuild project. `cache` is the bucket and prefix of its S3 cache. Without an S3 cache, `cache` is empty."""

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
        """Return the names of the environment variables whose values are secrets from Secrets Manager.

        A rehearsal assumes that a build project needs an external service if this list is not empty.
        """
        return [setting.name for setting in self.settings if setting.kind == "SECRETS_MANAGER"]


def read_project(properties: Mapping[str, Any], account: str, region: str) -> Project:
    """Return the project that `properties` describe. All references in `properties` must be resolved."""
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
