"""A fake AWS that answers from a script, call by call, for states that the local AWS cannot reach.

botocore's model of the service validates every request. A call or a parameter that does not exist fails.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.model import OperationModel
from botocore.validate import ParamValidator

from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.destruction.deployed_stacks import DeployedStack, Owned
from cicd_templates.deploy.destruction.inventory import Inventory
from cicd_templates.deploy.destruction.scope import Scope
from cicd_templates.deploy.reporting.inventory_items import Item
from cicd_templates.template.stack_graph import Links

SCOPE = Scope("shipping", "staging", None, "222222222222", "eu-central-1", frozenset({"shipping-staging-keys"}))
WHEN = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


class Many(list[Any]):
    """Answers to consecutive calls. The last answer is repeated for ever."""


NAMES = {"lambda_": "lambda", "scaling": "application-autoscaling", "tagging": "resourcegroupstaggingapi"}


@functools.cache
def operations(service: str) -> dict[str, OperationModel]:
    """Return the operations of a service, by the names that boto3 gives them."""
    model = botocore.session.Session().get_service_model(NAMES.get(service, service))
    return {xform_name(name): model.operation_model(name) for name in model.operation_names}


def check(service: str, name: str, request: dict[str, Any]) -> None:
    shape = operations(service)[name].input_shape
    report = ParamValidator().validate(request, shape) if shape else None
    assert report is None or not report.has_errors(), report.generate_report()


class Service:
    """A client. Its answers are keyed by call: a value, a function of the request, an exception, or `Many` of these."""

    def __init__(self, service: str, calls: list[tuple[str, dict[str, Any]]], answers: dict[str, Any]) -> None:
        self._service, self._calls, self._answers = service, calls, answers

    def __getattr__(self, name: str) -> Any:
        def call(**request: Any) -> Any:
            check(self._service, name, request)
            self._calls.append((name, request))
            answer = self._answers.get(name, {})
            if isinstance(answer, Many):
                answer = answer.pop(0) if len(answer) > 1 else answer[0]
            if isinstance(answer, BaseException):
                raise answer
            return answer(**request) if callable(answer) else answer

        return call

    def get_paginator(self, name: str) -> Any:
        service = self

        class Paginator:
            def paginate(self, **request: Any) -> Iterator[Any]:
                pages = getattr(service, name)(**request)
                return iter(pages if isinstance(pages, list) else [pages])

        return Paginator()


class Aws:
    """Clients by their names. `calls` has the calls in their order."""

    def __init__(self, *, local: bool = False, **services: dict[str, Any]) -> None:
        self.local, self.region = local, "eu-central-1"
        self.profile: str | None = None
        self.endpoint_url = "http://127.0.0.1:4566" if local else None
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._services = services

    def __getattr__(self, name: str) -> Service:
        return Service(name, self.calls, self._services.get(name, {}))

    def called(self, name: str) -> list[dict[str, Any]]:
        return [request for call, request in self.calls if call == name]


def aws(*, local: bool = False, **services: dict[str, Any]) -> Any:
    """Return an `Aws` with the type `Clients`."""
    return Aws(local=local, **services)


def refusal(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


def clock() -> Polling:
    """Return a clock that a sleep advances immediately."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    return Polling(2.0, sleep, lambda: now[0])


def living(
    name: str = "shipping-staging-keys",
    *resources: Owned,
    status: str = "CREATE_COMPLETE",
    links: Links | None = None,
    role: str | None = None,
    guarded: bool = False,
) -> DeployedStack:
    links = links or Links(name, "staging", (), {}, ())
    label = name.removeprefix("shipping-staging-")
    return DeployedStack(name, f"id-{label}", status, {"Layer": label}, role, guarded, WHEN, links, label, resources)


def inventory(
    *items: Item,
    stacks: tuple[DeployedStack, ...] = (),
    others: tuple[DeployedStack, ...] = (),
    protected: bool = False,
) -> Inventory:
    return Inventory(SCOPE, protected, None, stacks, others, items)


__all__ = ["SCOPE", "WHEN", "Aws", "Many", "aws", "clock", "inventory", "living", "refusal"]
