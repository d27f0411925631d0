"""Reads the principals of IAM statements as typed values. Every decision about access is based on these values.

A principal is judged by the account number in it, never by the name of an environment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, NamedTuple

from cicd_templates.template.arn import Arn
from cicd_templates.template.intrinsics import is_intrinsic_function, possible_values

_NUMBER = re.compile(r"\d{12}")
_ACCOUNT, _PARTITION = "${AWS::AccountId}", "${AWS::Partition}"


class Kind(Enum):
    """What a principal is.

    - ACCOUNT: a whole account. A user or role of the account gets the access only if its own policies allow it, too.
    - ARN: a role, user or session.
    - OWN: a reference to a resource or parameter in the policy's own template. The value of such a parameter always
      comes from the same environment.
    - SERVICE: an AWS service, such as `lambda.amazonaws.com`.
    - FEDERATED: the users of an identity provider.
    - OTHER: an unsupported kind of principal, such as a canonical user.
    """

    ANYONE = "everybody, with or without credentials"
    ACCOUNT = "account"
    ARN = "role, user or session"
    OWN = "resource or parameter of the template"
    SERVICE = "AWS service"
    FEDERATED = "identity provider"
    OTHER = "unsupported"


class Principal(NamedTuple):
    """A principal. `value` identifies the principal: a number, an ARN, a reference or a name.

    `account` is the number of the principal's account, or empty if the principal is neither an account nor an ARN.
    """

    kind: Kind
    value: str = ""
    account: str = ""

    @property
    def name(self) -> str:
        """The name at the end of the ARN, if the principal is a role, user or session. Otherwise, an empty text."""
        return self.value.rpartition("/")[2] if self.kind is Kind.ARN else ""


ANYONE = Principal(Kind.ANYONE)


def parse_principals(value: Any, account: str) -> Iterator[Principal]:
    """Yield the principals in `value`, a statement's `Principal`. `account` is where the template is deployed."""
    for possible in possible_values(value):
        if isinstance(possible, Mapping) and not is_intrinsic_function(possible):
            for kind, listed in possible.items():
                yield from (_principal(str(kind), item, account) for item in possible_values(listed))
        else:
            yield _principal("AWS", possible, account)


def is_outside(principal: Principal, account: str) -> bool:
    """Return whether a principal is or could be outside `account`. AWS services do not count as outside."""
    match principal.kind:
        case Kind.ACCOUNT | Kind.ARN:
            return principal.account != account
        case Kind.OWN | Kind.SERVICE:
            return False
        case _:
            return True


def _principal(element: str, item: Any, account: str) -> Principal:
    text = _text(item).replace(_ACCOUNT, account).replace(_PARTITION, "aws")
    match element:
        case "Service":
            return Principal(Kind.SERVICE, text)
        case "Federated":
            return Principal(Kind.FEDERATED, text)
        case "AWS":
            return _aws_principal(text)
        case _:
            return Principal(Kind.OTHER, f"{element} {text}")


def _aws_principal(text: str) -> Principal:
    if text == "*":
        return ANYONE
    if _NUMBER.fullmatch(text):
        return Principal(Kind.ACCOUNT, text, text)
    if text.startswith("${"):
        return Principal(Kind.OWN, text)
    try:
        arn = Arn.parse(text)
    except ValueError:
        return Principal(Kind.OTHER, text)
    is_account = arn.resource == "root"
    return Principal(Kind.ACCOUNT, arn.account, arn.account) if is_account else Principal(Kind.ARN, text, arn.account)


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
