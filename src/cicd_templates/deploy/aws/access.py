"""Defines the credentials that a command uses for one environment. This module does not call AWS.

`Access` also describes the credentials in words, for messages. `cli_option` returns the AWS CLI option for a profile.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass

# The name of role sessions, unless the configuration has `role_session_name`. CloudTrail shows it at the end of the
# caller's ARN.
ROLE_SESSION = "cicd-templates"


@dataclass(frozen=True)
class Access:
    """The settings of one environment's credentials: a profile, and a role to assume with the profile's credentials.

    If `profile` is None, botocore's default chain provides the credentials. `allow_endpoint_urls` says whether
    environment variables and this machine's AWS configuration may replace the addresses of AWS services.
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
        """The name of the profile that botocore uses, or None.

        The name comes from the configuration or, without it, from the environment variables AWS_PROFILE or
        AWS_DEFAULT_PROFILE.
        """
        return self.profile or os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE") or None

    @property
    def words(self) -> str:
        """The description of these credentials for messages, such as `profile 'dev' of AWS_PROFILE`."""
        if self.profile:
            return f"profile {self.profile!r} of templates/environments.toml"
        if self.profile_name:
            return f"profile {self.profile_name!r} of AWS_PROFILE"
        if os.environ.get("AWS_PROFILE") == "":
            # If AWS_PROFILE is set but empty, botocore looks for a profile whose name is empty.
            return "profile '' of AWS_PROFILE, which is set but empty"
        return "the default credentials"

    @property
    def assume_role_options(self) -> dict[str, str]:
        """The options for AssumeRole in botocore's form. Options that are not configured are left out."""
        options = {
            "RoleSessionName": self.role_session_name or ROLE_SESSION,
            "ExternalId": self.external_id,
            "SourceIdentity": self.source_identity,
        }
        return {name: value for name, value in options.items() if value}


def cli_option(profile: str | None) -> str:
    """Return ` --profile NAME` to append to an AWS CLI command, or an empty string if `profile` is None."""
    return f" --profile {shlex.quote(profile)}" if profile else ""
