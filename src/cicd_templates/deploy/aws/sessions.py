"""Creates one boto3 session per `Access` and renews its credentials until the command ends.

The credentials of a role are valid for an hour. The session requests them before the first call that needs them, and
again before they expire.
"""

from __future__ import annotations

import getpass
import sys
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
    create_credential_resolver,
    create_mfa_serial_refresher,
)
from botocore.utils import JSONFileCache

from cicd_templates.deploy.aws.access import Access
from cicd_templates.deploy.aws.credential_errors import CredentialErrors
from cicd_templates.deploy.aws.endpoint_urls import IGNORE, refuse_endpoint_urls
from cicd_templates.deploy.aws.service_models import service_models
from cicd_templates.errors import MissingCodeError

PROVIDER = "credential_provider"
ASSUME_ROLE = "assume-role"
# Two environments of one run share a session, but a session may create only one client at a time.
_CREATING = threading.RLock()


class Session:
    """A boto3 session for one `Access`. It raises errors about the credentials as `CredentialsError`."""

    def __init__(self, access: Access, core: Any, errors: CredentialErrors) -> None:
        import boto3

        self.core, self._errors = core, errors
        self._boto3: Any = boto3.session.Session(botocore_session=core, region_name=access.region)

    def client(self, service: str, **options: Any) -> Any:
        """Return the boto3 client of `service`. Raises `CredentialsError` if the credentials cannot be loaded."""
        with _CREATING:
            return _translated(self._errors, lambda: self._boto3.client(service, **options))


def session_cache() -> Any:
    """Return the cache on disk in which the AWS CLI keeps temporary credentials.

    Because this program shares the cache with the AWS CLI, the user types an MFA code only once for both.
    """
    return JSONFileCache(str(Path.home() / ".aws" / "cli" / "cache"))


@cache
def session_for(access: Access) -> Session:
    """Return the session of `access`. All calls with the same `access` return the same session.

    Raises `CredentialsError` if the profile does not exist or its credentials cannot be loaded. Raises `RefusedError`
    if this machine's configuration replaces the addresses of AWS services.
    """
    core = botocore.session.Session()
    if access.profile:
        core.set_config_variable("profile", access.profile)
    core.set_config_variable("region", access.region)
    errors = CredentialErrors(core, access)
    _translated(errors, lambda: _configure(core, access, errors))
    return Session(access, core, errors)


def _configure(core: Any, access: Access, errors: CredentialErrors) -> None:
    core.register_component("data_loader", service_models())
    # Raises an error if there is no such profile.
    core.get_scoped_config()
    refuse_endpoint_urls(core, access)
    if not access.allow_endpoint_urls:
        # The setting also applies to the clients that botocore itself creates in order to get credentials.
        core.set_config_variable(IGNORE, True)
    _raise_credential_errors(core, errors)
    resolver = create_credential_resolver(core, cache=session_cache(), region_name=access.region)
    # botocore creates this provider with its own prompt for an MFA code. Replace the prompt.
    vars(resolver.get_provider(ASSUME_ROLE))["_prompter"] = ask_mfa_code
    core.register_component(PROVIDER, resolver)
    if access.role_arn:
        core.register_component(PROVIDER, CredentialResolver([_AssumedRole(core, access, access.role_arn, resolver)]))


class _AssumedRole(CredentialProvider):
    """Assumes the role `role_arn` with the credentials of `source`, and provides the credentials of this role."""

    METHOD = ASSUME_ROLE

    def __init__(self, core: Any, access: Access, role_arn: str, source: CredentialResolver) -> None:
        super().__init__(core)
        self._core, self._access, self._role_arn, self._source = core, access, role_arn, source

    def load(self) -> DeferredRefreshableCredentials | None:
        source = self._source.load_credentials()
        if source is None:
            return None
        profile = self._core.get_scoped_config()
        # An MFA device belongs to a person, so the profile names it. If the profile has a role of its own, the device
        # is for that role, not for the role in the project's configuration.
        device = None if "role_arn" in profile else profile.get("mfa_serial")
        options = self._access.assume_role_options | ({"SerialNumber": device} if device else {})
        fetcher = AssumeRoleCredentialFetcher(
            self._create_client,
            source,
            self._role_arn,
            extra_args=options,
            mfa_prompter=ask_mfa_code,
            # The cache identifies credentials by these options alone. Without an MFA device, the options are the same
            # for every person, so nothing is cached.
            cache=session_cache() if device else None,
        )
        renew: Callable[[], Any] = fetcher.fetch_credentials
        # The user is asked for an MFA code only once, because nobody may be at the terminal in the middle of a run.
        renew = create_mfa_serial_refresher(renew) if device else renew
        return DeferredRefreshableCredentials(renew, self.METHOD)

    def _create_client(self, service: str, **options: Any) -> Any:
        with _CREATING:
            return self._core.create_client(service, region_name=self._access.region, **options)


def ask_mfa_code(prompt: str) -> str:
    """Return the MFA code that the user types after `prompt`. Raises `MissingCodeError` if there is no terminal."""
    if not sys.stdin.isatty():
        device = prompt.removeprefix("Enter MFA code for ").strip().removesuffix(":")
        raise MissingCodeError(
            f"this command needs an MFA code of {device}, but there is no terminal to type it in; first run"
            " `make status` with the same ENV= in a terminal and type the code; after that, this command needs no code"
            " until the credentials expire"
        )
    return getpass.getpass(prompt)


def _raise_credential_errors(core: Any, errors: CredentialErrors) -> None:
    """Make all clients of a botocore session raise errors about its credentials as `CredentialsError`."""

    def after_call(http_response: Any, parsed: Any, model: Any, **_: Any) -> None:
        if http_response.status_code >= 300:
            error = errors.of_answer(model.name, parsed.get("Error", {}), http_response.headers)
            if error is not None:
                raise error

    def after_call_error(exception: Exception, **_: Any) -> None:
        error = errors.of_error(exception)
        if error is not None and error is not exception:
            raise error from exception

    core.register("after-call", after_call)
    core.register("after-call-error", after_call_error)


def _translated(errors: CredentialErrors, work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Exception as error:
        problem = errors.of_error(error)
        if problem is None or problem is error:
            raise
        raise problem from None
