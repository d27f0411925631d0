"""The changes of IAM statements that widen access: general properties, and the cases that a reviewer sees first."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd_templates.template.policy_diff import compare, ends_with_its_subjects, statement_covers, widens

NAMES = st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=4, unique=True)
CONDITIONS = st.dictionaries(
    st.sampled_from(["Bool", "StringEquals"]),
    st.dictionaries(st.sampled_from(["x", "y"]), NAMES, min_size=1),
    max_size=2,
)
ROLE_STATEMENTS = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"]), "Condition": CONDITIONS},
).flatmap(
    lambda base: st.builds(
        lambda action, actions, resource, resources: {**base, action: actions, resource: resources},
        st.sampled_from(["Action", "NotAction"]),
        NAMES,
        st.sampled_from(["Resource", "NotResource"]),
        NAMES,
    )
)
STATEMENTS = st.lists(ROLE_STATEMENTS, max_size=4)
OTHER = {"Effect": "Allow", "Action": ["other"], "Resource": ["other"]}
NO_VALUE = {"Ref": "AWS::NoValue"}
ALLOW = {"Effect": "Allow", "Action": ["a", "b"], "Resource": ["c", "d"], "Condition": {"Bool": {"x": "true"}}}


@given(STATEMENTS, st.randoms())
def test_statements_that_only_move_widen_nothing(statements: list[dict[str, Any]], shuffle: random.Random) -> None:
    moved = list(statements)
    shuffle.shuffle(moved)

    assert not widens(statements, statements)
    assert not widens(statements, moved)


@given(STATEMENTS)
def test_another_allow_statement_widens(statements: list[dict[str, Any]]) -> None:
    others = [each for each in statements if not statement_covers(each, OTHER)]

    assert widens(others, [*others, OTHER])
    assert not widens([*others, OTHER], others)


@given(STATEMENTS)
def test_a_deny_statement_that_goes_widens(statements: list[dict[str, Any]]) -> None:
    denial = OTHER | {"Effect": "Deny"}
    others = [each for each in statements if not statement_covers(each, denial)]

    assert widens([*others, denial], others)
    assert not widens(others, [*others, denial])


@given(NAMES, NAMES, st.sampled_from(["Action", "Resource"]))
def test_a_shorter_list_narrows_what_is_allowed(kept: list[str], more: list[str], element: str) -> None:
    longer = ALLOW | {element: [*kept, *more]}

    assert not widens([longer], [ALLOW | {element: kept}])
    assert widens([ALLOW | {element: kept}], [longer]) == (not set(more) <= set(kept))


@given(CONDITIONS)
def test_a_condition_that_goes_widens(condition: dict[str, Any]) -> None:
    without = {key: value for key, value in ALLOW.items() if key != "Condition"}
    conditional = without | {"Condition": condition}

    assert widens([conditional], [without]) == bool(condition)
    assert not widens([without], [conditional])


def when(operator: str, *values: str) -> dict[str, Any]:
    return {"Condition": {operator: {"k": list(values)}}}


@pytest.mark.parametrize(
    ("before", "after", "wider"),
    [
        pytest.param({"NotAction": ["a", "b"]}, {"NotAction": ["a"]}, True, id="a shorter list of exceptions"),
        pytest.param({"NotAction": ["a"]}, {"NotAction": ["a", "b"]}, False, id="a longer list of exceptions"),
        pytest.param({"Action": ["a"]}, {"NotAction": ["a"]}, True, id="a list that becomes exceptions"),
        pytest.param({"Principal": "*"}, {"Principal": {"AWS": "1"}}, False, id="one of everybody"),
        pytest.param({"Action": "*"}, {"NotAction": ["a"]}, False, id="exceptions from everything"),
        pytest.param({"Action": "*"}, {"Resource": "a"}, True, id="no such element"),
        pytest.param({"Principal": {"AWS": "*"}}, {"Principal": {"Service": "a"}}, True, id="two kinds of principals"),
        pytest.param({"Principal": {"AWS": ["1", "2"]}}, {"Principal": {"AWS": "1"}}, False, id="fewer principals"),
        pytest.param({"Principal": {"AWS": "1"}}, {"Principal": {"Service": "1"}}, True, id="another kind"),
        pytest.param({"Resource": {"Ref": "A"}}, {"Resource": [{"Ref": "A"}]}, False, id="one item, listed"),
        pytest.param({"Resource": {"Ref": "A"}}, {"Resource": {"Ref": "B"}}, True, id="another reference"),
        pytest.param({"Resource": ["*"]}, {}, True, id="an element that goes"),
        pytest.param(
            {"Condition": {"Bool": {"x": "true"}}}, {"Condition": {"Bool": {"x": "false"}}}, True, id="other condition"
        ),
        pytest.param({"Action": ["a*"]}, {"Action": ["ab"]}, True, id="a pattern is not read"),
        pytest.param(when("StringEquals", "a", "b"), when("StringEquals", "a"), False, id="fewer alternatives"),
        pytest.param(when("StringEquals", "a"), when("StringEquals", "a", "b"), True, id="more alternatives"),
        pytest.param(when("StringLike", "a"), when("StringEquals", "a"), True, id="another operator"),
        pytest.param(when("ArnNotLikeIfExists", "a"), when("ArnNotLikeIfExists", "a", "b"), False, id="more excluded"),
        pytest.param(when("ArnNotLikeIfExists", "a", "b"), when("ArnNotLikeIfExists", "a"), True, id="fewer excluded"),
        pytest.param(when("NotIpAddress", "a", "b"), when("NotIpAddress", "b"), True, id="fewer addresses excluded"),
        pytest.param(
            when("ForAllValues:StringEquals", "a", "b"), when("ForAllValues:StringEquals", "b"), False, id="of a set"
        ),
        pytest.param(
            when("ForAnyValue:StringNotEquals", "a"), when("ForAnyValue:StringNotEquals", "a", "b"), False, id="any of"
        ),
        pytest.param(when("Null", "true", "false"), when("Null", "true"), True, id="absence is no list"),
    ],
)
def test_what_the_texts_cannot_tell_counts_as_wider(before: Any, after: Any, wider: bool) -> None:
    assert widens([{"Effect": "Allow", **before}], [{"Effect": "Allow", **after}]) == wider
    # Of a denial it is the other way round.
    assert widens([{"Effect": "Deny", **after}], [{"Effect": "Deny", **before}]) == wider


DENIAL = {"PolicyDocument": {"Statement": [{"Effect": "Deny", "Action": "x:*", "Resource": "*"}]}}
QUEUE = {"Type": "AWS::SQS::Queue"}
RETAINED = QUEUE | {"DeletionPolicy": "RetainExceptOnCreate"}


def policy(**subjects: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::QueuePolicy", "Properties": DENIAL | subjects}


@pytest.mark.parametrize(
    ("before", "after", "ends"),
    [
        pytest.param({"P": policy(Queues=[{"Ref": "Q"}]), "Q": QUEUE}, {}, True, id="with its queue"),
        pytest.param({"P": policy(Queues=[{"Ref": "Q"}]), "Q": QUEUE}, {"Q": QUEUE}, False, id="the queue stays"),
        pytest.param({"P": policy(Queues=[{"Ref": "Q"}]), "Q": RETAINED}, {}, False, id="the queue is retained"),
        pytest.param(
            {"P": policy(Queues=[{"Ref": "Q"}, {"Ref": "R"}]), "Q": QUEUE, "R": QUEUE},
            {"R": QUEUE},
            False,
            id="one of two queues stays",
        ),
        pytest.param({"P": policy(Queues=[{"Ref": "Other"}])}, {}, False, id="a queue of another stack"),
        pytest.param({"P": policy()}, {}, False, id="attached by hand"),
        pytest.param({"P": policy(Queues=[{"Ref": "Q"}]), "Q": QUEUE}, {"P": policy()}, False, id="stays itself"),
        pytest.param(
            {"P": policy(Queues=[{"Ref": "Q"}]) | {"DeletionPolicy": "Retain"}, "Q": QUEUE}, {}, False, id="is retained"
        ),
        pytest.param({"P": {"Type": "AWS::IAM::Role", "Properties": {"Policies": [DENIAL]}}}, {}, True, id="a role"),
        pytest.param({}, {"P": policy()}, False, id="new"),
    ],
)
def test_denials_end_with_what_they_restrict(before: dict[str, Any], after: dict[str, Any], ends: bool) -> None:
    assert ends_with_its_subjects("P", before, after) is ends
    assert compare("P", before, after).widens is (bool(before) and "P" not in after and not ends)


def changed(before: dict[str, Any] | list[dict[str, Any]], after: dict[str, Any] | list[dict[str, Any]]) -> Any:
    def resources(listed: Any) -> dict[str, Any]:
        return {"R": {"Type": "AWS::IAM::Role", "Properties": {"PolicyDocument": {"Statement": listed}}}}

    found = compare("R", resources(before), resources(after))
    return found.added, found.removed


USE = {
    "Sid": "Use",
    "Effect": "Allow",
    "Principal": {"AWS": ["a", "b"], "Service": "s"},
    "Action": ["k:Encrypt", "k:Decrypt"],
    "Resource": "*",
    "Condition": {"StringEquals": {"x": ["1", "2"]}, "Bool": {"y": "true"}},
}


@pytest.mark.parametrize(
    ("edit", "added", "removed"),
    [
        pytest.param(
            {"Action": ["k:Encrypt", "k:Sign"]},
            ("Use, otherwise unchanged: allow k:Sign",),
            ("Use, otherwise unchanged: allow k:Decrypt",),
            id="an action",
        ),
        pytest.param(
            {"Principal": {"AWS": ["b", {"Ref": "Role"}], "Service": "s"}},
            ("Use, otherwise unchanged: allow to Role",),
            ("Use, otherwise unchanged: allow to a",),
            id="a principal",
        ),
        pytest.param({"Resource": ["*", "r"]}, ("Use, otherwise unchanged: allow on r",), (), id="one more resource"),
        pytest.param(
            {"Condition": {"StringEquals": {"x": "2"}, "Bool": {"y": "true"}}},
            (),
            ("Use, otherwise unchanged: allow if x StringEquals 1",),
            id="fewer values",
        ),
        pytest.param({"Sid": "Other"}, (), (), id="only the name"),
        pytest.param(
            {"Effect": "Deny"},
            ("deny k:Encrypt, k:Decrypt on * to a, b, s if x StringEquals 1, 2 and y Bool true",),
            ("allow k:Encrypt, k:Decrypt on * to a, b, s if x StringEquals 1, 2 and y Bool true",),
            id="the effect",
        ),
    ],
)
def test_of_a_changed_statement_only_the_words_that_differ_are_shown(
    edit: dict[str, Any], added: tuple[str, ...], removed: tuple[str, ...]
) -> None:
    assert changed([USE], [USE | edit]) == (added, removed)


def test_a_statement_whose_counterpart_is_not_clear_is_shown_whole() -> None:
    one, two = ({"Sid": "S", "Effect": "Allow", "Action": name, "Resource": "*"} for name in ("a:A", "a:B"))
    exceptions = {"Sid": "S", "Effect": "Allow", "NotAction": "a:A", "Resource": "*"}
    nameless = [{key: value for key, value in each.items() if key != "Sid"} for each in (one, two)]

    assert changed([one], [two, {**two, "Resource": "r"}])[1] == ("allow a:A on *",)
    assert changed([one, {**one, "Resource": "r"}], [two])[1] == ("allow a:A on *", "allow a:A on r")
    assert changed([one], [exceptions]) == (("allow everything but a:A on *",), ("allow a:A on *",))
    assert changed(nameless[0], nameless[1]) == (("allow a:B on *",), ("allow a:A on *",))


def holder(kind: str, **properties: Any) -> dict[str, Any]:
    return {"R": {"Type": f"AWS::{kind}", "Properties": properties}}


def policy_text(*statements: dict[str, Any]) -> str:
    return json.dumps({"Statement": list(statements)})


EVERYTHING: dict[str, Any] = {"Sid": "All", "Effect": "Allow", "Action": ["*"], "Resource": ["*"]}
POLICIES = {"Roles": ["a"], "PolicyDocument": {"Statement": [OTHER]}}
PERMISSION = {"Action": "lambda:InvokeFunction", "FunctionName": "f"}


@pytest.mark.parametrize(
    ("before", "after", "added"),
    [
        pytest.param(
            holder("IAM::Role", Policies=[{"PolicyDocument": {"Statement": [OTHER]}}]),
            holder("IAM::Role", Policies=[{"PolicyDocument": {"Statement": [OTHER, EVERYTHING, NO_VALUE]}}]),
            "allow * on *",
            id="a statement beside AWS::NoValue",
        ),
        pytest.param(
            holder("IAM::Role", Policies=[{"PolicyDocument": {"Statement": [OTHER]}}]),
            holder(
                "IAM::Role", Policies=[{"PolicyDocument": {"Statement": [{"Fn::If": ["C", EVERYTHING, NO_VALUE]}]}}]
            ),
            "allow * on * if the condition C is true",
            id="a statement in a branch",
        ),
        pytest.param(
            holder("Logs::ResourcePolicy", PolicyDocument=policy_text()),
            holder("Logs::ResourcePolicy", PolicyDocument=f" {policy_text(EVERYTHING)}"),
            "allow * on *",
            id="a JSON text",
        ),
        pytest.param(
            holder("IAM::ManagedPolicy", **POLICIES),
            holder("IAM::ManagedPolicy", **POLICIES | {"Roles": ["a", "b"]}),
            "allow everything that this policy allows to b",
            id="another role with the policy",
        ),
        pytest.param(
            holder("IAM::User", Groups=[]),
            holder("IAM::User", Groups=["admins"]),
            "allow everything that the group may do on admins",
            id="another group of a user",
        ),
        pytest.param(
            holder("Lambda::Permission", **PERMISSION, Principal="events.amazonaws.com", SourceArn="x"),
            holder("Lambda::Permission", **PERMISSION, Principal="events.amazonaws.com"),
            "allow lambda:InvokeFunction on f to events.amazonaws.com",
            id="a permission without its source",
        ),
        pytest.param(
            holder("IAM::Role", Policies=[{"PolicyDocument": {"Statement": [OTHER | {"Effect": "Deny"}]}}]),
            holder("IAM::Role", Policies=[{"PolicyDocument": {"Statement": [OTHER | {"Effect": {"Ref": "E"}}]}}]),
            "{'ref': 'e'} other on other",
            id="an effect that is computed",
        ),
    ],
)
def test_access_that_is_written_in_other_ways_widens(before: dict[str, Any], after: dict[str, Any], added: str) -> None:
    difference = compare("R", before, after)

    assert difference.widens
    assert added in difference.added
    assert not compare("R", after, after).widens


def test_a_boundary_that_goes_or_changes_widens_and_a_new_one_does_not() -> None:
    bounded, other, free = (
        holder("IAM::Role", **each) for each in ({"PermissionsBoundary": "x"}, {"PermissionsBoundary": "y"}, {})
    )

    assert compare("R", bounded, free).widens
    assert compare("R", bounded, free).removed == ("deny everything that the permissions boundary does not allow on x",)
    assert compare("R", bounded, other).widens
    assert not compare("R", free, bounded).widens


def test_a_condition_that_is_chosen_by_a_function_is_compared_as_a_whole() -> None:
    chosen = {"Fn::If": ["C", {"Bool": {"x": "true"}}, NO_VALUE]}
    plain, computed = ALLOW, ALLOW | {"Condition": chosen}

    assert widens([plain], [computed])
    assert not widens([computed], [computed])
    difference = compare(
        "R",
        holder("IAM::Policy", PolicyDocument={"Statement": []}),
        holder("IAM::Policy", PolicyDocument={"Statement": [computed]}),
    )
    assert difference.widens
    assert "if Condition what is computed" in difference.added[0]

    named = computed | {"Sid": "S", "Condition": chosen}
    literal = named | {"Condition": {"Bool": {"x": "true"}}}
    changed = compare(
        "R",
        holder("IAM::Policy", PolicyDocument={"Statement": [literal]}),
        holder("IAM::Policy", PolicyDocument={"Statement": [named]}),
    )
    assert changed.widens
    assert changed.added[0].startswith("S, otherwise unchanged: allow if Condition what is computed")
