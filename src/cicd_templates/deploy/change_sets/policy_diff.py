"""IAM statements that an update adds or takes away, in words. Pure: compares the text before with the text after.

CloudFormation shows a changed policy as one changed property; who may do what more than before stands only in the two
templates.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Managed policies grant as well; CloudFormation lists them by their ARN.
MANAGED = "ManagedPolicyArns"


@dataclass(frozen=True)
class Grants:
    """What one resource grants more and less than before, a sentence a statement; `widens` where that is more."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    widens: bool = False


def compare(logical_id: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Grants:
    """The statements of a resource that are new, and those that are gone, by the resources of both templates."""
    old, new = (dict(_statements(resources.get(logical_id, {}).get("Properties", {}))) for resources in (before, after))
    added = [statement for key, statement in new.items() if key not in old]
    removed = [statement for key, statement in old.items() if key not in new]
    widens = any(each["Effect"] == "Allow" for each in added) or any(each["Effect"] == "Deny" for each in removed)
    return Grants(tuple(map(in_words, added)), tuple(map(in_words, removed)), widens)


def _statements(value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every statement anywhere below `value`, with what tells it from others: all of it but its Sid."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            listed = inner if isinstance(inner, list) else [inner]
            # Other services have statements as well, such as the rules of a firewall; only those of policies grant.
            if name == "Statement" and all(isinstance(each, Mapping) and "Effect" in each for each in listed):
                for statement in listed:
                    yield _identified({key: each for key, each in statement.items() if key != "Sid"})
            elif name == MANAGED:
                for arn in inner:
                    yield _identified({"Effect": "Allow", "Action": "everything", "Resource": arn})
            else:
                yield from _statements(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _statements(inner)


def _identified(statement: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    return json.dumps(statement, sort_keys=True, default=str), statement


def in_words(statement: Mapping[str, Any]) -> str:
    """A statement as a sentence: `allow s3:GetObject on ${Bucket.Arn}/* to ecs-tasks.amazonaws.com if ...`."""
    words = [str(statement["Effect"]).lower()]
    words.append(_listed(statement.get("Action")) or f"everything but {_listed(statement.get('NotAction'))}")
    if "Resource" in statement:
        words.append(f"on {_listed(statement['Resource'])}")
    elif "NotResource" in statement:
        words.append(f"on everything but {_listed(statement['NotResource'])}")
    for key, before in (("Principal", "to"), ("NotPrincipal", "to everybody but")):
        if key in statement:
            words.append(f"{before} {_principal(statement[key])}")
    conditions = [
        f"{key} {operator} {_listed(value)}"
        for operator, pairs in statement.get("Condition", {}).items()
        for key, value in pairs.items()
    ]
    if conditions:
        words.append(f"if {' and '.join(conditions)}")
    return " ".join(words)


def _principal(principal: Any) -> str:
    if isinstance(principal, Mapping):
        return ", ".join(_listed(value) for value in principal.values())
    return str(principal)


def _listed(value: Any) -> str:
    """A value of the policy language, or of CloudFormation's, as text."""
    if isinstance(value, list):
        return ", ".join(map(_listed, value))
    match value:
        case None:
            return ""
        case {"Ref": str(name)}:
            return name
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"{name}.{attribute}"
        case {"Fn::Sub": str(text)}:
            return text
        case Mapping():
            return json.dumps(value, sort_keys=True, default=str)
        case _:
            return str(value)
