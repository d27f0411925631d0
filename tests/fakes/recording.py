"""Clients that record every call and pass it on to other clients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.fakes.iam_policies import Call
from tests.fakes.scripted_aws import Service as ScriptedService
from tests.fakes.simulated_aws import Service


class Recording:
    """Clients that record calls.

    `calls` has the service, the operation and the request of each call, in boto3's spelling.
    """

    def __init__(self, clients: Any) -> None:
        self._clients = clients
        self.calls: list[Call] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._clients, name)
        return _Client(name, found, self.calls) if isinstance(found, Service | ScriptedService) else found


class _Client:
    def __init__(self, service: str, client: Service | ScriptedService, calls: list[Call]) -> None:
        self._service, self._client, self._calls = service, client, calls

    def __getattr__(self, operation: str) -> Any:
        def call(**request: Any) -> Any:
            self._calls.append((self._service, operation, request))
            return getattr(self._client, operation)(**request)

        return call

    def get_paginator(self, operation: str) -> Any:
        recorder = self

        class Paginator:
            @staticmethod
            def paginate(**request: Any) -> Iterator[Any]:
                recorder._calls.append((recorder._service, operation, request))
                return recorder._client.get_paginator(operation).paginate(**request)

        return Paginator()
