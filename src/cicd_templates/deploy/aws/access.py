"""Whose credentials a command uses in one environment, and how messages and AWS CLI commands name them. Pure."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass

# Appears in CloudTrail as the end of the caller's ARN, unless the configuration has `role_session_name`.
ROLE_SESSION = "cicd-templates"


@dataclass(frozen=True)
class Access:
    """The profile of the AWS configuration to use, and the role to assume with its credentials.

    Without `profile`, boto3's default chain decides. `allow_endpoint_urls` accepts addresses of services that the AWS
    configuration of this machine sets; they are refused otherwise.
    """

    region: str
    profile: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    role_session_name: str | None = None
    source_identity: str | None = None
    allow_endpoint_urls: bool = False

    @property
    def profile_name(self) -> str | None:
        """The profile that botocore reads; None if neither the configuration nor the environment names one."""
        return self.profile or os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE") or None

    @property
    def words(self) -> str:
        """The words with which messages name these credentials."""
        if self.profile:
            return f"profile {self.profile!r} of templates/environments.toml"
        if self.profile_name:
            return f"profile {self.profile_name!r} of AWS_PROFILE"
        if os.environ.get("AWS_PROFILE") == "":
            # botocore looks for a profile without a name.
            return "the profile of AWS_PROFILE, which is empty"
        return "the default credentials"

    @property
    def assume_role_options(self) -> dict[str, str]:
        """The configured options of AssumeRole, in the form that botocore expects."""
        options = {
            "RoleSessionName": self.role_session_name or ROLE_SESSION,
            "ExternalId": self.external_id,
            "SourceIdentity": self.source_identity,
        }
        return {name: value for name, value in options.items() if value}


def cli_option(profile: str | None) -> str:
    """Return the option that makes an AWS CLI command use `profile`, with a space before it; empty for None."""
    return f" --profile {shlex.quote(profile)}" if profile else ""
