"""Finds every IAM statement in a template, whatever resource contains it, and formats it for the access matrix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, NamedTuple

from cicd_templates.review.formatting import Formatter, format_actions, format_condition
from cicd_templates.review.principals import Principal, parse_principals
from cicd_templates.template.granted_access import as_list, permission_statement
from cicd_templates.template.iam_statements import find_statements
from cicd_templates.template.intrinsics import is_intrinsic_function, may_be_absent, possible_values
from cicd_templates.template.metadata import REASONS_KEY
from cicd_templates.template.reasons import parse_every_resource_reason

ITSELF = "itself"
ANYONE = "anyone"
CACHED_ACTIONS = 4096
_ELEMENTS = ("Principal", "Action", "Resource")
OWN_MARK = "(own)"
# The endings of the logical ids of roles and policies. The part before the ending names the owner of the role or
# policy.
_ENDINGS = ("ActionRole", "Role", "ManagedPolicy", "Policy")


class Statement(NamedTuple):
    """One IAM statement, with its parts as text. `holder` is the logical id of the resource that has the policy.

    Only statements of resource and trust policies have `principals`. `negated` lists the negated elements, such as
    `Action` for `NotAction`. `element` is the statement as it is in the template.
    """

    holder: str
    sid: str
    effect: str
    principals: tuple[Principal, ...]
    principal_texts: tuple[str, ...]
    action_patterns: tuple[str, ...]
    resource_texts: tuple[str, ...]
    condition: str
    element: Mapping[str, Any]
    reason: str = ""
    is_trust: bool = False
    negated: frozenset[str] = frozenset()

    @property
    def label(self) -> str:
        """The Sid, with the word `Deny` before it if the statement denies access."""
        return f"Deny {self.sid}" if self.effect == "Deny" else self.sid

    @property
    def principals_text(self) -> str:
        """The principals of the statement, as text. Statements of identity policies have no principals."""
        return self._all_but("Principal") + ", ".join(self.principal_texts)

    @property
    def actions_text(self) -> str:
        """The actions as text that names each service once, such as `s3: GetObject, PutObject`."""
        return self._all_but("Action") + format_actions(self.action_patterns)

    @property
    def resources_text(self) -> str:
        """The resources of the statement."""
        return self._all_but("Resource") + ", ".join(self.resource_texts)

    def covers(self, *actions: str) -> bool:
        """Return whether the statement applies to one of `actions`.

        A statement with `Action` applies if one of its entries matches the action. A statement with `NotAction` applies
        if none of its entries matches the action.
        """
        return _is_covered(actions, self.action_patterns, "Action" in self.negated)

    def _all_but(self, element: str) -> str:
        return "all but " if element in self.negated else ""


# The stacks of many services have the same statements.
@lru_cache(CACHED_ACTIONS)
def _is_covered(actions: tuple[str, ...], patterns: tuple[str, ...], is_negated: bool) -> bool:
    return any(
        any(_matches(action.lower(), pattern.lower()) for pattern in patterns) != is_negated for action in actions
    )


def _matches(action: str, pattern: str) -> bool:
    # Nearly all actions are written without wildcards, and comparing texts is much faster than compiling a pattern.
    return fnmatchcase(action, pattern) if "*" in pattern or "?" in pattern else action == pattern


def statements(resources: Mapping[str, Any], formatter: Formatter) -> Iterator[Statement]:
    """Yield the statements of `resources`, in the order of the template."""
    for logical_id, resource in resources.items():
        reasons = _reasons(resource)
        properties = resource.get("Properties", {})
        if element := permission_statement(resource["Type"], properties):
            yield _permission(logical_id, element, properties, formatter)
            continue
        for is_trust, statement in find_statements(properties):
            yield _statement(logical_id, statement, formatter, reasons, is_trust)


def _reasons(resource: Mapping[str, Any]) -> dict[str, str]:
    sentences = resource.get("Metadata", {}).get(REASONS_KEY, ())
    return dict(reason for sentence in sentences if (reason := parse_every_resource_reason(sentence)))


def _statement(
    holder: str, statement: Mapping[str, Any], formatter: Formatter, reasons: Mapping[str, str], is_trust: bool
) -> Statement:
    def format_value(value: Any) -> str:
        return _mark_own(stem, formatter.format(value))

    stem = own_stem(holder)
    elements = {
        name: possible_values(formatter.with_defaults(statement.get(name, statement.get(f"Not{name}", []))))
        for name in _ELEMENTS
    }
    resource_texts = tuple(map(format_value, elements["Resource"]))
    principal_texts = tuple(
        _mark_own(stem, text) for part in elements["Principal"] for text in _principal_texts(part, formatter)
    )
    principals = tuple(
        principal for part in elements["Principal"] for principal in parse_principals(part, formatter.account)
    )
    # In a resource policy, `*` means the resource that has the policy. Some types of policies have no Resource element.
    is_own_resource = principals and resource_texts in ((), ("*",))
    sid = formatter.format(statement.get("Sid", ""))
    # An effect or a condition that CloudFormation chooses at deployment counts as the one that allows more.
    effect = "Deny" if statement["Effect"] == "Deny" else "Allow"
    condition = statement.get("Condition")
    is_conditional = condition is not None and (effect == "Deny" or not may_be_absent(condition))
    return Statement(
        holder,
        sid,
        effect,
        principals,
        principal_texts,
        tuple(map(str, elements["Action"])),
        (ITSELF,) if is_own_resource else resource_texts,
        format_condition(condition, format_value) if is_conditional else "",
        statement,
        reasons.get(sid, ""),
        is_trust,
        frozenset(name for name in _ELEMENTS if f"Not{name}" in statement),
    )


def _permission(
    logical_id: str, element: Mapping[str, Any], properties: Mapping[str, Any], formatter: Formatter
) -> Statement:
    """Return the statement for a resource that is itself a permission, such as an `AWS::Lambda::Permission`."""
    sources = {
        key: formatter.format(value)
        for key, value in properties.items()
        if key.startswith("Source") and not may_be_absent(value)
    }
    return Statement(
        logical_id,
        logical_id,
        "Allow",
        tuple(parse_principals(formatter.with_defaults(element["Principal"]), formatter.account)),
        tuple(formatter.format(item) for listed in element["Principal"].values() for item in as_list(listed)),
        tuple(map(str, as_list(element["Action"]))),
        tuple(map(formatter.format, as_list(element.get("Resource", [])))),
        " and ".join(f"aws:{key} is {value}" for key, value in sources.items()),
        element,
    )


def _principal_texts(value: Any, formatter: Formatter) -> Iterator[str]:
    if value == "*":
        yield ANYONE
    elif not isinstance(value, dict) or is_intrinsic_function(value):
        yield formatter.format(value)
    else:
        for kind, listed in value.items():
            for item in as_list(listed):
                text = formatter.format(item)
                yield ANYONE if text == "*" else text if kind in ("AWS", "Service") else f"{kind} {text}"


def own_stem(holder: str) -> str:
    """Return a logical id without the ending that names the resource type, such as `Bandit` for `BanditRole`.

    Resources with the same result belong together, such as a role and its policy.
    """
    return next((holder.removesuffix(ending) for ending in _ENDINGS if holder.endswith(ending)), holder)


def _mark_own(stem: str, text: str) -> str:
    """Return `text` with `OWN_MARK` in place of `stem`, the name of the role or resource that has the statement.

    Rows that differ only in this name become equal, so that the caller can merge them.
    """
    stack, dot, name = text.rpartition(".")
    if not stem or not name.startswith(stem):
        return text
    rest = name[len(stem) :]
    return f"{stack}{dot}{OWN_MARK}{rest}" if not rest or not rest[0].islower() else text
