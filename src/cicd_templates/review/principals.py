"""Reads the principals of IAM statements as typed values. Every decision about access is based on these values.

A principal is judged by the account number in it, never by the name of an environment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cicd_templates.template.arn import Arn
from cicd_templates.template.intrinsics import is_intrinsic_function

_NUMBER = re.compile(r"\d{12}")
_ACCOUNT, _PARTITION = "${AWS::AccountId}", "${AWS::Partition}"


@dataclass(frozen=True)
class Anyone:
    """Everybody, with or without credentials."""


@dataclass(frozen=True)
class AccountPrincipal:
    """An account, identified by its number.

    This principal stands for all users and roles of the account. But a user or role has the access only if its own
    policy allows it, too.
    """

    number: str


@dataclass(frozen=True)
class ArnPrincipal:
    """A role, user or session, identified by its ARN; `account` is the account number in the ARN."""

    account: str
    arn: str


@dataclass(frozen=True)
class OwnPrincipal:
    """A reference to a resource or parameter of the template that contains the reference.

    The value of such a parameter always comes from the environment of this template.
    """

    reference: str


@dataclass(frozen=True)
class ServicePrincipal:
    """An AWS service, identified by its service principal, such as `lambda.amazonaws.com`."""

    name: str


@dataclass(frozen=True)
class FederatedPrincipal:
    """The users of an identity provider."""

    provider: str


@dataclass(frozen=True)
class OtherPrincipal:
    """A principal of an unsupported kind, such as a canonical user."""

    kind: str
    value: str


Principal = (
    Anyone | AccountPrincipal | ArnPrincipal | OwnPrincipal | ServicePrincipal | FederatedPrincipal | OtherPrincipal
)


def parse_principals(value: Any, account: str) -> Iterator[Principal]:
    """Yield the principals in a statement's `Principal` element. `account` is where the template is deployed."""
    if isinstance(value, Mapping) and not is_intrinsic_function(value):
        for kind, listed in value.items():
            for item in listed if isinstance(listed, list) else [listed]:
                yield _principal(str(kind), item, account)
    else:
        for item in value if isinstance(value, list) else [value]:
            yield _principal("AWS", item, account)


def is_outside(principal: Principal, account: str) -> bool:
    """Return false if a principal is an AWS service or is certainly in `account`, otherwise true."""
    match principal:
        case AccountPrincipal(number):
            return number != account
        case ArnPrincipal(owner):
            return owner != account
        case OwnPrincipal() | ServicePrincipal():
            return False
        case _:
            return True


def _principal(kind: str, item: Any, account: str) -> Principal:
    text = _text(item).replace(_ACCOUNT, account).replace(_PARTITION, "aws")
    match kind:
        case "Service":
            return ServicePrincipal(text)
        case "Federated":
            return FederatedPrincipal(text)
        case "AWS":
            return _aws_principal(text, account)
        case _:
            return OtherPrincipal(kind, text)


def _aws_principal(text: str, account: str) -> Principal:
    if text == "*":
        return Anyone()
    if _NUMBER.fullmatch(text):
        return AccountPrincipal(text)
    if text.startswith("${"):
        return OwnPrincipal(text)
    try:
        arn = Arn.parse(text)
    except ValueError:
        return OtherPrincipal("AWS", text)
    return AccountPrincipal(arn.account) if arn.resource == "root" else ArnPrincipal(arn.account, text)


def _text(item: Any) -> str:
    """Return an item as text. References to resources and parameters become `${Name}` or `${Name.Attribute}`."""
    match item:
        case {"Fn::Sub": str(text)}:
            return text
        case {"Fn::Sub": [str(text), Mapping()]}:
            return text
        case {"Ref": str(name)}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"${{{name}.{attribute}}}"
        case _:
            return str(item)
