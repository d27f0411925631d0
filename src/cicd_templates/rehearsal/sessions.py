"""Opens sessions in the local AWS for three kinds of principals: root users, roles, and services that assume a role."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config

# The session name in the records of the local AWS.
SESSION_NAME = "rehearsal"
# The local AWS does not throttle, and a denial is final, so retries are useless.
CLIENT_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 2}, s3={"addressing_style": "path"}, proxies={}
)
MakeClient = Callable[[str, "Credentials"], Any]


@dataclass(frozen=True)
class Credentials:
    """The credentials of a principal, as STS returns them."""

    access: str
    secret: str
    token: str | None = None


@cache
def maker(endpoint: str, region: str) -> MakeClient:
    """Return a function that makes AWS clients from credentials, without AWS profiles and configuration files.

    One botocore session makes all clients, so that the model of each service is read only once. A lock protects this
    session, because a session is not thread-safe.
    """
    nowhere = (None, None, os.devnull, None)
    session = botocore.session.Session(
        {"profile": (None, None, None, None), "config_file": nowhere, "credentials_file": nowhere}
    )
    lock = threading.Lock()

    def make(service: str, keys: Credentials) -> Any:
        with lock:
            return session.create_client(
                service,
                region_name=region,
                endpoint_url=endpoint,
                aws_access_key_id=keys.access,
                aws_secret_access_key=keys.secret,
                aws_session_token=keys.token,
                config=CLIENT_CONFIG,
            )

    return make


@dataclass(frozen=True)
class Session:
    """A principal, with its credentials and its clients.

    `roles` are the names of the roles that were assumed one after the other. The last role is the principal's own role.
    """

    keys: Credentials
    make: MakeClient
    roles: tuple[str, ...] = ()
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def client(self, service: str) -> Any:
        """Return the principal's client for a service."""
        if service not in self._clients:
            self._clients[service] = self.make(service, self.keys)
        return self._clients[service]

    def assume(self, role: str) -> Session:
        """Return a session of `role`, whose trust policy must allow this principal."""
        return self._assumed(role)

    def assume_for_service(self, role: str, on_behalf_of: str) -> Session:
        """Assume `role` in the place of an AWS service, and return the new session.

        `on_behalf_of` is the ARN of the resource for which the service acts. Call this method on the session of the
        root user of the resource's account.

        AssumeRole receives the ARN as `ExternalId`, because the local AWS finds out from it which service acts.
        """
        return self._assumed(role, ExternalId=on_behalf_of)

    def _assumed(self, role: str, **more: str) -> Session:
        found = self.client("sts").assume_role(RoleArn=role, RoleSessionName=SESSION_NAME, **more)["Credentials"]
        keys = Credentials(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
        return Session(keys, self.make, (*self.roles, role.rpartition("/")[2]))


@cache
def root(endpoint: str, account: str, region: str, secret: str) -> Session:
    """Return a session of the root user of an account. In the local AWS, its access key is the account number.

    `secret` is the secret access key that the engine of the local AWS accepts for this access key.
    """
    return Session(Credentials(account, secret), maker(endpoint, region))
