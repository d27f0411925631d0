"""Whose credentials a command uses in one environment, and how messages and AWS CLI commands name them. Pure."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass

# The name of role sessions, unless the configuration has `role_session_name`. CloudTrail shows it at the end of the
# caller's ARN.
ROLE_SESSION = "cicd-templates"


@dataclass(frozen=True)
class Access:
    """The profile of the AWS configuration to use, and the role to assume with the profile's credentials.

    Without `profile`, boto3's default chain decides. If the AWS configuration of this machine sets addresses of AWS
    services, these addresses are refused unless `allow_endpoint_urls` is true.
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
            # botocore then looks for a profile whose name is empty.
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
    """Return a space and the option that makes an AWS CLI command use `profile`; empty if `profile` is None."""
    return f" --profile {shlex.quote(profile)}" if profile else ""
