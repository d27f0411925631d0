"""Compares the IAM statements of a resource before and after a change, and decides whether the change widens access.

CloudFormation shows a changed policy as one changed property. Only a comparison of the two templates shows which access
the change adds. The plans of deployments and the review pages use this module.

A statement covers another statement if it applies to at least the same requests. A change does not widen access if both
of these conditions are met:

- Each new Allow statement is covered by an old Allow statement.
- Each old Deny statement is covered by a new Deny statement.

In all other cases, the change counts as widening. It also counts as widening if a comparison of the texts cannot show
whether a statement covers another, for example because their patterns differ.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from cicd_templates.template.changes.masking import reported_as_hidden
from cicd_templates.template.granted_access import granted_statements, permission_statement, statements_of_use
from cicd_templates.template.iam_statements import UNREADABLE, find_statements, is_statement
from cicd_templates.template.intrinsics import is_intrinsic_function, referenced_names

ELEMENTS = ("Principal", "Action", "Resource")
# The item of an element that matches everything, as `_items` returns it.
ANYTHING = '"*"'
# The operator of the condition under which a template has a statement.
CHOICE = "is"


@dataclass(frozen=True)
class PolicyDiff:
    """The statements that a resource gained and lost, each as a sentence.

    `widens` is true if the changes may allow more access than before.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    widens: bool = False


def compare(logical_id: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> PolicyDiff:
    """Return how the IAM statements of the resource `logical_id` differ between two templates.

    `before` has the resources of the old template, and `after` those of the new template, keyed by logical id.
    """
    is_changed = logical_id in before and logical_id in after
    old, new = (
        dict(_statements(resources.get(logical_id, {}), is_changed=is_changed)) for resources in (before, after)
    )
    added = [statement for key, statement in new.items() if key not in old]
    removed = [statement for key, statement in old.items() if key not in new]
    return PolicyDiff(
        tuple(sentence for one in added if (sentence := _difference(one, removed, added))),
        tuple(sentence for one in removed if (sentence := _difference(one, added, removed))),
        widens(list(old.values()), list(new.values())) and not ends_with_its_subjects(logical_id, before, after),
    )


def ends_with_its_subjects(logical_id: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Return whether a change removes a resource together with everything that its Deny statements protect.

    Then nobody gains access, although the Deny statements are gone.

    - A policy, such as a bucket policy, protects the resources to which its properties refer. If it refers to no
      resource of the template, return false, because the protected resource may still exist.
    - A resource of any other type protects only itself.
    """
    if logical_id in after or logical_id not in before or is_retained(before[logical_id]):
        return False
    if not str(before[logical_id]["Type"]).endswith("Policy"):
        return True
    subjects = {
        name
        for value in before[logical_id].get("Properties", {}).values()
        if not any(True for _ in find_statements(value, is_policy=True))
        for name in referenced_names(value)
        if name in before
    }
    return bool(subjects) and not any(name in after or is_retained(before[name]) for name in subjects)


def is_retained(resource: Mapping[str, Any]) -> bool:
    """Return whether a resource remains when its stack is deleted, according to its DeletionPolicy."""
    return str(resource.get("DeletionPolicy", "")).startswith("Retain")


def widens(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether the statements in `after` may allow a request that those in `before` did not allow.

    The order of the statements does not matter. The function assumes that an unreadable statement
    can both allow and deny.
    """
    return any(
        not any(statement_covers(old, new) for old in before) for new in after if new["Effect"] != "Deny"
    ) or any(not any(statement_covers(new, old) for new in after) for old in before if _may_deny(old))


def _may_deny(statement: Mapping[str, Any]) -> bool:
    """Return whether a statement may deny something.

    The result is also true if the statement cannot be read, or if CloudFormation computes its effect.
    """
    return statement["Effect"] != "Allow" or statement.get("Action") == UNREADABLE


def statement_covers(wide: Mapping[str, Any], narrow: Mapping[str, Any]) -> bool:
    """Return whether one statement covers another: whether `wide` covers `narrow`, and has the same `Effect`.

    Returns false if a comparison of the texts cannot prove that `wide` applies to at least the same requests.
    """
    return (
        wide["Effect"] == narrow["Effect"]
        and all(_element_covers(element, wide, narrow) for element in ELEMENTS)
        and not condition_widens(wide, narrow)
    )


def condition_widens(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Return whether the new condition, `after`, may admit a request that the old one, `before`, does not admit.

    - A request must meet all parts of a condition, so an additional part admits fewer requests.
    - A request must match one value of a part, so an additional value admits more requests.
    - If the operator is negated, such as `StringNotEquals`, an additional value admits fewer requests.
    """
    parts = _condition_parts(after)
    return not all(
        key in parts and _part_covers(key[0], old, parts[key]) for key, old in _condition_parts(before).items()
    )


def _part_covers(operator: str, wide: frozenset[str], narrow: frozenset[str]) -> bool:
    """Return whether the values `wide` of a condition admit every request that the values `narrow` admit."""
    if operator.rpartition(":")[2].removesuffix("IfExists") == "Null":
        return wide == narrow
    return wide <= narrow if "Not" in operator else narrow <= wide


def _element_covers(element: str, wide: Mapping[str, Any], narrow: Mapping[str, Any]) -> bool:
    if ANYTHING in _items(wide.get(element, [])):
        return element in narrow or f"Not{element}" in narrow
    if f"Not{element}" in wide or f"Not{element}" in narrow:
        both = f"Not{element}" in wide and f"Not{element}" in narrow
        # The elements list exceptions, so the statement that applies to more requests has fewer items.
        return both and _items(wide[f"Not{element}"]) <= _items(narrow[f"Not{element}"])
    if element not in wide or element not in narrow:
        return element not in wide and element not in narrow
    return _items(narrow[element]) <= _items(wide[element])


def _items(value: Any) -> frozenset[str]:
    """Return the items of an element, such as `Action`, as texts that can be compared.

    The text of a principal begins with the type of the principal.
    """
    if isinstance(value, Mapping) and not is_intrinsic_function(value):
        return frozenset(f"{kind} {item}" for kind, listed in value.items() for item in _items(listed))
    listed = value if isinstance(value, list) else [value]
    return frozenset(json.dumps(item, sort_keys=True, default=str) for item in listed)


def _condition_parts(statement: Mapping[str, Any]) -> dict[tuple[str, str], frozenset[str]]:
    return {(operator, key): _items(value) for operator, pairs in _operators(statement) for key, value in pairs.items()}


def _operators(statement: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return a pair for each operator in a statement's condition: the operator, and a map of its keys and values.

    If an intrinsic function computes a part of the condition, return a single pair that has the complete condition.
    """
    condition = statement.get("Condition") or {}
    is_plain = isinstance(condition, Mapping) and all(isinstance(parts, Mapping) for parts in condition.values())
    return list(condition.items()) if is_plain else [("what is computed", {"Condition": condition})]


def _statements(resource: Mapping[str, Any], *, is_changed: bool = True) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield `(identity, statement)` for each IAM statement. The identity is the text of the statement without its Sid.

    For each setting that affects access but is not a policy, such as a permissions boundary, yield a made-up statement.
    If the resource exists both before and after the change, pass `is_changed=True`. The function then also yields a
    made-up statement for each role that the resource uses.
    """
    for _, statement in find_statements(with_conditions(resource.get("Properties", {}))):
        yield _with_identity(statement)
    if permission := permission_statement(str(resource.get("Type")), resource.get("Properties", {})):
        yield _with_identity(permission)
    for statement in (*granted_statements(resource), *(statements_of_use(resource) if is_changed else ())):
        yield _with_identity(statement)


def property_widens(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool | None:
    """Return whether a change of the property `name` widens access. If the change does not affect access, return None.

    Policies in the property are ignored. `before` and `after` are the complete resource before and after the change.
    """
    properties = {key: value for key, value in before.get("Properties", {}).items() if key != name}
    if name in after.get("Properties", {}):
        properties[name] = after["Properties"][name]
    old, new = (
        dict(map(_with_identity, (*granted_statements(resource), *statements_of_use(resource))))
        for resource in (before, {**before, "Properties": properties})
    )
    return None if old.keys() == new.keys() else widens(list(old.values()), list(new.values()))


def hides_access(resource: Mapping[str, Any]) -> bool:
    """Return whether CloudFormation masked a value in the policies or other access settings of the resource."""
    return any(reported_as_hidden(identity) for identity, _ in _statements(resource))


def with_conditions(value: Any, conditions: Mapping[str, str] = MappingProxyType({})) -> Any:
    """Return a copy of `value`, a part of a resource, in which IAM statements also have their template conditions.

    An IAM statement inside an `Fn::If` gets an entry in its `Condition` that names the template condition, with `true`
    for the first branch and `false` for the second. `conditions` has such entries for each `Fn::If` around `value`.
    """
    if is_statement(value):
        if not conditions:
            return value
        return {**value, "Condition": {**(value.get("Condition") or {}), CHOICE: dict(conditions)}}
    if isinstance(value, list):
        return [with_conditions(item, conditions) for item in value]
    if not isinstance(value, Mapping):
        return value
    match value:
        case {"Fn::If": [str(name), first, second]} if len(value) == 1:
            chosen = [
                with_conditions(item, {**conditions, f"the condition {name}": holds})
                for item, holds in ((first, "true"), (second, "false"))
            ]
            return {"Fn::If": [name, *chosen]}
    return {key: with_conditions(item, conditions) for key, item in value.items()}


def _with_identity(statement: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    compared = {key: item for key, item in statement.items() if key != "Sid"}
    return json.dumps(compared, sort_keys=True, default=str), statement


def _difference(
    statement: Mapping[str, Any], others: Sequence[Mapping[str, Any]], own: Sequence[Mapping[str, Any]]
) -> str:
    """Return a sentence with the parts of `statement` that its counterpart lacks, or an empty string.

    The counterpart is the statement in `others` with the same Sid, the same effect and the same names of elements, such
    as `Action`. If `statement` has no counterpart, the sentence has all parts of `statement`.

    The list `own` contains `statement`. If a Sid is not unique in `own` or in `others`, its statements have no
    counterparts.
    """
    sid = statement.get("Sid")
    same = [other for other in others if sid and other.get("Sid") == sid]
    if len(same) != 1 or sum(other.get("Sid") == sid for other in own) > 1:
        return sentence_of(statement)
    other = same[0]
    if other.keys() - {"Condition"} != statement.keys() - {"Condition"} or other["Effect"] != statement["Effect"]:
        return sentence_of(statement)
    rest = {
        name: _new_items(value, other.get(name, {}))
        for name, value in statement.items()
        if name not in ("Sid", "Effect")
    }
    rest = {name: value for name, value in rest.items() if value}
    return f"{sid}, otherwise unchanged: {sentence_of({'Effect': statement['Effect'], **rest})}" if rest else ""


def _new_items(value: Any, other: Any) -> Any:
    """Return the items of `value` that are not in `other`.

    `value` and `other` are the values that two policy statements have for the same element, such as `Action`.

    If `value` is a map of principals or conditions, return a map that has only the new items.
    """
    if isinstance(value, Mapping) and isinstance(other, Mapping) and not is_intrinsic_function(value):
        parts = {key: _new_items(item, other.get(key, [])) for key, item in value.items()}
        return {key: item for key, item in parts.items() if item}
    listed, others = ([each] if not isinstance(each, list) else each for each in (value, other))
    return [item for item in listed if item not in others]


def sentence_of(statement: Mapping[str, Any]) -> str:
    """Return a statement as a sentence: `allow s3:GetObject on ${Bucket.Arn}/* to ecs-tasks.amazonaws.com if ...`."""
    words = [str(statement["Effect"]).lower()]
    if "Action" in statement:
        words.append(listed(statement["Action"]))
    elif "NotAction" in statement:
        words.append(f"everything but {listed(statement['NotAction'])}")
    if "Resource" in statement:
        words.append(f"on {listed(statement['Resource'])}")
    elif "NotResource" in statement:
        words.append(f"on everything but {listed(statement['NotResource'])}")
    for key, before in (("Principal", "to"), ("NotPrincipal", "to everybody but")):
        if key in statement:
            words.append(f"{before} {_principal(statement[key])}")
    conditions = [
        f"{key} {operator} {listed(value)}" for operator, pairs in _operators(statement) for key, value in pairs.items()
    ]
    if conditions:
        words.append(f"if {' and '.join(conditions)}")
    return " ".join(words)


def _principal(principal: Any) -> str:
    if isinstance(principal, Mapping):
        return ", ".join(listed(value) for value in principal.values())
    return str(principal)


def listed(value: Any) -> str:
    """Return a value of a policy as text. References and other intrinsic functions are written in a short form."""
    if isinstance(value, list):
        return ", ".join(map(listed, value))
    match value:
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
