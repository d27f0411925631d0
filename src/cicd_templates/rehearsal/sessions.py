"""Clients of the local AWS for one principal, and the ways in which a run comes by them: services and roles."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config

# A name that says in the local AWS's records who acted.
NAME = "rehearsal"
# What is refused is refused at once, and nothing throttles here.
CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 2}, s3={"addressing_style": "path"}, proxies={})
MakeClient = Callable[[str, "Keys"], Any]


@dataclass(frozen=True)
class Keys:
    """Credentials as STS gives them out."""

    access: str
    secret: str
    token: str | None = None


@cache
def maker(endpoint: str, region: str) -> MakeClient:
    """A function that makes a client of a service with some keys, and reads neither profile nor environment.

    One session makes all: it reads the models of a service once. It is not safe for threads, therefore the lock.
    """
    nowhere = (None, None, os.devnull, None)
    session = botocore.session.Session(
        {"profile": (None, None, None, None), "config_file": nowhere, "credentials_file": nowhere}
    )
    lock = threading.Lock()

    def make(service: str, keys: Keys) -> Any:
        with lock:
            return session.create_client(
                service,
                region_name=region,
                endpoint_url=endpoint,
                aws_access_key_id=keys.access,
                aws_secret_access_key=keys.secret,
                aws_session_token=keys.token,
                config=CONFIG,
            )

    return make


@dataclass(frozen=True)
class Session:
    """A principal at work. `roles` are the names of the roles on the way to it, its own last."""

    keys: Keys
    make: MakeClient
    roles: tuple[str, ...] = ()
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def client(self, service: str) -> Any:
        """The principal's client of a service."""
        if service not in self._clients:
            self._clients[service] = self.make(service, self.keys)
        return self._clients[service]

    def assume(self, role: str) -> Session:
        """A session of `role`, which has to trust this principal."""
        return self._assumed(role)

    def serve(self, role: str, on_behalf_of: str) -> Session:
        """A session of `role` for the service that acts for a resource; this principal is its account's root.

        The local AWS reads service and resource from the external id; trust policies ask for both.
        """
        return self._assumed(role, ExternalId=on_behalf_of)

    def _assumed(self, role: str, **more: str) -> Session:
        found = self.client("sts").assume_role(RoleArn=role, RoleSessionName=NAME, **more)["Credentials"]
        keys = Keys(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
        return Session(keys, self.make, (*self.roles, role.rpartition("/")[2]))


@cache
def root(endpoint: str, account: str, region: str) -> Session:
    """The account itself, which the local AWS takes a 12-digit access key for."""
    return Session(Keys(account, "local"), maker(endpoint, region))
