"""Turns an error about credentials into one line: which credentials, what failed, and what to do.

There are two kinds of errors:
- AWS rejects a request, because the credentials are expired or unknown, or because the clock of this machine is wrong.
- The credentials cannot be loaded. Either botocore raises its own error, or it passes on an error of the operating
  system.
"""

from __future__ import annotations

import email.utils
import json
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from botocore import exceptions as aws

from cicd_templates.deploy.aws.access import Access, cli_option
from cicd_templates.errors import CredentialsError

# https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html and the error codes of S3 and EC2
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
UNKNOWN_CREDENTIALS = frozenset(
    {
        "AuthFailure",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
WRONG_TIME = frozenset({"RequestTimeTooSkewed", "RequestInTheFuture"})
# AWS accepts a signature for five minutes. S3 accepts it for 15 minutes.
SKEW_SECONDS = 240
SSO_KEYS = frozenset({"sso_session", "sso_start_url"})
LONGEST_DETAIL = 300
ASSUMING = (
    "check that the role's trust policy admits these credentials, with the `external_id` and `source_identity` that"
    " are sent"
)
TRY_LOCALLY = (
    "set `profile` for the environment in templates/environments.toml or set AWS_PROFILE; to try the command"
    " without an account, run `make local`, then the same command with LOCAL=1"
)
BOTOCORE = "botocore.credentials"
CORRECT_AWS_CONFIGURATION = "correct the AWS configuration of this machine"
# What failed and what to do, by the type of the error. If the remedy is empty, the message says how to get new
# credentials for the profile.
OF_BOTOCORE: tuple[tuple[tuple[type[Exception], ...], str, str], ...] = (
    (
        (aws.ProfileNotFound,),
        "the AWS configuration of this machine has no such profile",
        "correct `profile` in templates/environments.toml or AWS_PROFILE, or add the profile with `aws configure sso`",
    ),
    ((aws.NoCredentialsError,), "there are no AWS credentials", TRY_LOCALLY),
    ((aws.PartialCredentialsError,), "{detail}", TRY_LOCALLY),
    ((aws.SSOError, aws.TokenRetrievalError), "the SSO session has ended ({detail})", ""),
    ((aws.LoginError,), "the session has ended ({detail})", ""),
    (
        (aws.MissingDependencyException,),
        "credentials of `aws login` need the package awscrt, which is not installed",
        "run `.venv/bin/python -m pip install awscrt`",
    ),
    (
        (aws.RefreshWithMFAUnsupportedError,),
        "the session has ended, and a new one needs an MFA code",
        "run the command in a terminal, where you can type the code",
    ),
    ((aws.CredentialRetrievalError, aws.MetadataRetrievalError), "{detail}", ""),
    (
        (aws.ConfigParseError, aws.ConfigNotFound, aws.InvalidConfigError),
        "{detail}",
        CORRECT_AWS_CONFIGURATION,
    ),
)
OF_THE_SYSTEM: tuple[tuple[tuple[type[Exception], ...], str, str], ...] = (
    (
        (FileNotFoundError, PermissionError),
        "the source of the credentials needs {file}, which is missing or cannot be used",
        "create or fix this file, or correct its path in the AWS configuration (`credential_process` or"
        " `web_identity_token_file`)",
    ),
    (
        (json.JSONDecodeError, UnicodeDecodeError),
        "the credential process does not print the expected JSON",
        "run the command of `credential_process` in the AWS configuration to see what it prints",
    ),
)


class CredentialErrors:
    """Makes the error messages about the credentials of `access`. The botocore session `core` loads the credentials."""

    def __init__(self, core: Any, access: Access) -> None:
        self._core, self._access = core, access

    def of_answer(
        self, operation: str, error: Mapping[str, Any], headers: Mapping[str, str], now: datetime | None = None
    ) -> CredentialsError | None:
        """Return the error to raise if AWS's answer rejects the credentials, otherwise None."""
        code, message = str(error.get("Code", "")), _line(str(error.get("Message", "")))
        assuming = operation.startswith("AssumeRole")
        if code not in EXPIRED | UNKNOWN_CREDENTIALS | WRONG_TIME and not assuming:
            return None
        if skewed := _skew(headers, now or datetime.now(UTC)):
            return self._error(f"AWS refuses every signature, because {skewed}", "set the clock")
        if code in EXPIRED:
            return self._error("the credentials have expired", self._renew())
        if assuming:
            role = self._access.role_arn or "the role of the profile"
            return self._error(f"{role} could not be assumed ({code}: {message})", ASSUMING)
        return self._error(f"AWS refuses these credentials ({code}: {message})", self._renew())

    def of_error(self, error: Exception) -> CredentialsError | None:
        """Return the error to raise if `error` means that credentials could not be loaded, otherwise None."""
        if isinstance(error, CredentialsError):
            return error
        detail = _line(str(error))
        # Network errors are also errors of the operating system, but they are in neither table.
        for types, what, remedy in OF_BOTOCORE if isinstance(error, aws.BotoCoreError) else OF_THE_SYSTEM:
            if isinstance(error, types):
                file = getattr(error, "filename", "")
                return self._error(what.format(detail=detail, file=file), remedy or self._renew())
        if isinstance(error, RuntimeError) and _raised_by_botocore(error):
            return self._error(detail, self._renew())
        if not isinstance(error, aws.BotoCoreError | aws.ClientError) and BOTOCORE in _modules(error):
            return self._error(f"the credentials cannot be read ({detail})", CORRECT_AWS_CONFIGURATION)
        return None

    def _error(self, what: str, remedy: str) -> CredentialsError:
        return CredentialsError(f"{self._access.words}: {what}; {remedy}")

    def _renew(self) -> str:
        """Return advice for the user: how to get new credentials.

        If the profile gets its credentials from a source profile, the advice is for the source profile."""
        profiles: Mapping[str, Any] = self._core.full_config.get("profiles", {})
        name: str | None = self._access.profile_name
        passed: set[str | None] = set()
        while name not in passed:
            passed.add(name)
            profile = profiles.get(name or "default", {})
            if SSO_KEYS & profile.keys():
                return f"sign in with `aws sso login{cli_option(name)}`"
            if "login_session" in profile:
                return f"sign in with `aws login{cli_option(name)}`"
            if "credential_process" in profile:
                return "sign in to the system that its credential process uses"
            name = profile.get("source_profile", name)
        return "get new credentials from the same source"


def _line(text: str) -> str:
    joined = " ".join(text.split())
    return joined if len(joined) <= LONGEST_DETAIL else f"{joined[:LONGEST_DETAIL]} [shortened]"


def _skew(headers: Mapping[str, str], now: datetime) -> str:
    """Return a text that says how wrong this machine's clock is, in minutes, or an empty text if the clock is right.

    The clock is compared with the `date` header of AWS's answer.
    """
    try:
        there = email.utils.parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return ""
    seconds = (now - there.replace(tzinfo=there.tzinfo or UTC)).total_seconds()
    if abs(seconds) < SKEW_SECONDS:
        return ""
    return f"the clock of this machine is {abs(seconds) / 60:,.0f} minutes {'fast' if seconds > 0 else 'slow'}"


def _raised_by_botocore(error: BaseException) -> bool:
    """Return whether `error` was raised by code in the module `botocore.credentials`."""
    return _modules(error)[-1:] == [BOTOCORE]


def _modules(error: BaseException) -> list[str]:
    """Return the names of the modules in the traceback of `error`. The last module raised the error."""
    return [str(frame.f_globals.get("__name__")) for frame, _ in traceback.walk_tb(error.__traceback__)]
