"""Every IAM statement of a template, wherever it stands, and how it is spelled: the rows of the access matrix."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from cicd_templates.review.formatting import Formatter, actions, condition
from cicd_templates.review.principals import Principal, parse_principals
from cicd_templates.template.intrinsics import is_intrinsic_function
from cicd_templates.template.metadata import REASONS_KEY
from cicd_templates.template.reasons import parse_every_resource_reason

TRUST = "AssumeRolePolicyDocument"
ITSELF = "itself"
ANYONE = "anyone"
_ELEMENTS = ("Principal", "Action", "Resource")
OWN = "(own)"
# How logical ids of what carries a policy end; before it stands whose it is.
_ENDINGS = ("ActionRole", "Role", "ManagedPolicy", "Policy")


@dataclass(frozen=True)
class Statement:
    """One statement in words. `holder` is the logical id that carries it; a resource policy has `principals`.

    `does` are the actions as IAM spells them, `but` says which of the three lists are exceptions, and `element` is the
    statement as the template has it.
    """

    holder: str
    sid: str
    effect: str
    principals: tuple[Principal, ...]
    principal_words: tuple[str, ...]
    does: tuple[str, ...]
    places: tuple[str, ...]
    when: str = ""
    because: str = ""
    trust: bool = False
    but: frozenset[str] = frozenset()
    element: Mapping[str, Any] = field(default_factory=dict)

    @property
    def deed(self) -> str:
        """Its name, and that it forbids where it does."""
        return f"Deny {self.sid}" if self.effect == "Deny" else self.sid

    @property
    def who(self) -> str:
        """Whom a resource policy is about; empty in a role's own."""
        return self._but("Principal") + ", ".join(self.principal_words)

    @property
    def actions(self) -> str:
        """What it is about, each service named once."""
        return self._but("Action") + actions(self.does)

    @property
    def on(self) -> str:
        """On which resources."""
        return self._but("Resource") + ", ".join(self.places)

    def covers(self, action: str) -> bool:
        """Whether it is about `action`, which patterns and exceptions decide, too."""
        asked = action.lower()
        named = any(_matches(asked, pattern.lower()) for pattern in self.does)
        return named != ("Action" in self.but)

    def _but(self, element: str) -> str:
        return "all but " if element in self.but else ""


def _matches(action: str, pattern: str) -> bool:
    # Nearly every action is written out: only a pattern is worth the compiling of one.
    return fnmatchcase(action, pattern) if "*" in pattern or "?" in pattern else action == pattern


def is_statement(value: Any) -> bool:
    """Whether `value` is an IAM statement; rules of S3 and others have an effect of their own, but no action."""
    return isinstance(value, dict) and "Effect" in value and ("Action" in value or "NotAction" in value)


def statements(resources: Mapping[str, Any], formatter: Formatter) -> Iterator[Statement]:
    """The statements of `resources`, in the order of the template."""
    for logical_id, resource in resources.items():
        reasons = _reasons(resource)
        if resource["Type"] == "AWS::Lambda::Permission":
            yield _permission(logical_id, resource["Properties"], formatter)
            continue
        for trust, statement in _found(resource.get("Properties", {}), trust=False):
            yield _statement(logical_id, statement, formatter, reasons, trust)


def _found(value: Any, *, trust: bool) -> Iterator[tuple[bool, dict[str, Any]]]:
    if is_statement(value):
        yield trust, value
    elif isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, dict | list):
                yield from _found(item, trust=trust or key == TRUST)
            elif isinstance(item, str) and item.startswith("{") and '"Statement"' in item:
                # Some types take their policy as text.
                with contextlib.suppress(ValueError):
                    yield from _found(json.loads(item), trust=trust)
    else:
        for item in value:
            if isinstance(item, dict | list):
                yield from _found(item, trust=trust)


def _reasons(resource: Mapping[str, Any]) -> dict[str, str]:
    sentences = resource.get("Metadata", {}).get(REASONS_KEY, ())
    return dict(reason for sentence in sentences if (reason := parse_every_resource_reason(sentence)))


def _statement(
    holder: str, statement: Mapping[str, Any], formatter: Formatter, reasons: Mapping[str, str], trust: bool
) -> Statement:
    def own(value: Any) -> str:
        return _own(holder, formatter.say(value))

    found = {name: _listed(statement.get(name, statement.get(f"Not{name}", []))) for name in _ELEMENTS}
    places = tuple(map(own, found["Resource"]))
    principal_words = tuple(_own(holder, each) for part in found["Principal"] for each in _principals(part, formatter))
    principals = tuple(
        principal for part in found["Principal"] for principal in parse_principals(part, formatter.account)
    )
    # In a resource policy `*` is the resource that has it; some types leave it out.
    itself = principals and places in ((), ("*",))
    sid = statement.get("Sid", "")
    return Statement(
        holder,
        sid,
        statement["Effect"],
        principals,
        principal_words,
        tuple(map(str, found["Action"])),
        (ITSELF,) if itself else places,
        condition(statement.get("Condition"), own),
        reasons.get(sid, ""),
        trust,
        frozenset(name for name in _ELEMENTS if f"Not{name}" in statement),
        statement,
    )


def _permission(logical_id: str, properties: Mapping[str, Any], formatter: Formatter) -> Statement:
    """A function's permission, which is a statement of its resource policy in other words."""
    sources = {key: formatter.say(value) for key, value in properties.items() if key.startswith("Source")}
    kind = "Service" if str(properties["Principal"]).endswith(".amazonaws.com") else "AWS"
    conditions = {key: value for key, value in properties.items() if key not in ("Principal", "Action", "FunctionName")}
    return Statement(
        logical_id,
        logical_id,
        "Allow",
        tuple(parse_principals({kind: properties["Principal"]}, formatter.account)),
        (formatter.say(properties["Principal"]),),
        (properties["Action"],),
        (formatter.say(properties["FunctionName"]),),
        " and ".join(f"aws:{key} is {value}" for key, value in sources.items()),
        element={
            "Effect": "Allow",
            "Principal": {kind: properties["Principal"]},
            "Action": properties["Action"],
            "Resource": properties["FunctionName"],
            "Condition": {"Equals": conditions},
        },
    )


def _principals(value: Any, formatter: Formatter) -> Iterator[str]:
    if value == "*":
        yield ANYONE
    elif not isinstance(value, dict) or is_intrinsic_function(value):
        yield formatter.say(value)
    else:
        for kind, listed in value.items():
            for each in _listed(listed):
                said = formatter.say(each)
                yield ANYONE if said == "*" else said if kind in ("AWS", "Service") else f"{kind} {said}"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def own_stem(holder: str) -> str:
    """Whose `holder` is: `Bandit` for `BanditRole`."""
    return next((holder.removesuffix(ending) for ending in _ENDINGS if holder.endswith(ending)), holder)


def _own(holder: str, said: str) -> str:
    """`said` with what is the holder's own marked so, that alike statements of many holders read alike."""
    stem = own_stem(holder)
    stack, dot, name = said.rpartition(".")
    if not stem or not name.startswith(stem):
        return said
    rest = name[len(stem) :]
    return f"{stack}{dot}{OWN}{rest}" if not rest or not rest[0].islower() else said
