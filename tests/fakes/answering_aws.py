"""A fake AWS that answers from a table, and validates every call and answer with botocore's models."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

SESSION = botocore.session.Session()
# Attributes of `Clients` that are not called as their service is.
SERVICES = {
    "lambda_": "lambda",
    "scaling": "application-autoscaling",
    "quotas": "service-quotas",
    "tagging": "resourcegroupstaggingapi",
}


@cache
def _operations(service: str) -> dict[str, Any]:
    model = SESSION.get_service_model(SERVICES.get(service, service))
    return {xform_name(name): model.operation_model(name) for name in model.operation_names}


def _fits(values: Any, shape: Any, what: str) -> None:
    report = ParamValidator().validate(values, shape)
    assert not report.has_errors(), f"{what}: {report.generate_report()}"


def denied(operation: str = "Call") -> ClientError:
    return ClientError({"Error": {"Code": "AccessDenied", "Message": "not yours"}}, operation)


def missing(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "none"}}, "Call")


class FakeAws:
    """A fake AWS.

    `answers` maps `service.operation` to an answer, a list of pages, an error, or a function of the request.

    A call without an answer in the table is refused as AWS refuses it. `calls` keeps the calls. `parsed` are calls
    whose answers boto3 changes after parsing. For example, boto3 parses a template in JSON.
    """

    region = "eu-central-1"
    endpoint_url: str | None = None
    profile: str | None = None

    @property
    def local(self) -> bool:
        return self.endpoint_url is not None

    def __init__(self, answers: dict[str, Any], parsed: frozenset[str] = frozenset()) -> None:
        self.answers = answers
        self.parsed = parsed
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, service: str) -> Any:
        return _Service(self, service)


class _Service:
    def __init__(self, fake: FakeAws, name: str) -> None:
        self._fake, self._name = fake, name

    def __getattr__(self, operation: str) -> Any:
        return lambda **request: self._answer(operation, request)

    def get_paginator(self, operation: str) -> Any:
        class Paginator:
            @staticmethod
            def paginate(**request: Any) -> Iterator[Any]:
                answer = self._answer(operation, request)
                return iter(answer if isinstance(answer, list) else [answer])

        return Paginator()

    def _answer(self, operation: str, request: dict[str, Any]) -> Any:
        call = f"{self._name}.{operation}"
        model = _operations(self._name)[operation]
        self._fake.calls.append((call, request))
        if model.input_shape is not None:
            _fits(request, model.input_shape, call)
        answer = self._fake.answers.get(call, denied(operation))
        if callable(answer):
            answer = answer(**request)
        if isinstance(answer, Exception):
            raise answer
        pages = answer if isinstance(answer, list) else [answer]
        for page in () if call in self._fake.parsed or model.output_shape is None else pages:
            _fits(page, model.output_shape, f"the answer of {call}")
        return answer
