"""The semantic difference: changes in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cicd_templates.review.changes import template_changes
from cicd_templates.review.changes_page import markdown
from cicd_templates.review.reviewed_stacks import review_stacks
from cicd_templates.template.comparison import ABSENT, Difference, differences
from cicd_templates.template.schemas import create_only
from cicd_templates.template.stack_facts import METADATA_KEY
from cicd_templates.template.stack_template import StackTemplate
from tests.unit.review.conftest import reading, resource, role, stack_of, statement

ONLY = {"AWS::EC2::VPC": (frozenset({"CidrBlock"}), frozenset({"Tenancy/Kind"}))}


def changes_between(before: list[StackTemplate], after: list[StackTemplate]) -> list[tuple[str, str, str]]:
    found = template_changes(
        review_stacks(before), review_stacks(after), lambda region, kind: ONLY.get(kind, (frozenset(), frozenset()))
    )
    return [(each.kind, each.where, each.text) for each in found]


def of(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str, str]]:
    return changes_between([stack_of(before)], [stack_of(after)])


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        pytest.param({"a": 1}, {"a": 1}, [], id="same"),
        pytest.param({"a": {"b": 1}}, {"a": {"b": 2}}, [(("a", "b"), 1, 2)], id="deep"),
        pytest.param({"a": 1}, {"b": 2}, [(("a",), 1, ABSENT), (("b",), ABSENT, 2)], id="other keys"),
        pytest.param({"Ref": "A"}, {"Ref": "B"}, [((), {"Ref": "A"}, {"Ref": "B"})], id="function"),
        pytest.param([1, 2], [1, 3], [(("1",), 2, 3)], id="lists of one length"),
        pytest.param([1], [1, 2], [((), [1], [1, 2])], id="longer list"),
        pytest.param([{"Sid": "A", "n": 1}], [{"Sid": "B"}, {"Sid": "A", "n": 2}], [
            (("A", "n"), 1, 2), (("B",), ABSENT, {"Sid": "B"})], id="named items, wherever they are"),
        pytest.param([{"Sid": "A"}, {"Sid": "B"}], [{"Sid": "B"}, {"Sid": "A"}], [], id="named items that moved"),
        pytest.param([{"Sid": "A"}, {"Sid": "A"}], [{"Sid": "A"}], [((), [{"Sid": "A"}] * 2, [{"Sid": "A"}])],
                     id="items that share a name"),
        pytest.param('{"a": 1}', '{"a": 2}', [(("a",), 1, 2)], id="JSON in text"),
        pytest.param("{a", "{b", [((), "{a", "{b")], id="text that looks like JSON"),
    ],
)  # fmt: skip
def test_values_are_compared_as_deep_as_they_have_names(
    before: Any, after: Any, found: list[tuple[tuple[str, ...], Any, Any]]
) -> None:
    assert list(differences(before, after)) == [Difference(*each) for each in found]


def test_added_and_removed_stacks_are_described() -> None:
    gone, new = stack_of({"A": role()}, label="gone"), stack_of({"B": resource("X::Y")}, label="new")

    assert changes_between([gone], [new]) == [
        ("Removed", "gone", "the stack, with 1 resource"),
        ("Added", "new", "the stack, with 1 resource"),
    ]


def guarded_bucket(**of_bucket: Any) -> dict[str, Any]:
    """Return a bucket whose policy denies a request, and a role with a denial in its own policy."""
    refuse = statement("Refuse", "s3:*", Principal="*", effect="Deny")
    return {
        "Bucket": resource("S3::Bucket") | of_bucket,
        "BucketPolicy": resource("S3::BucketPolicy", Bucket={"Ref": "Bucket"}, PolicyDocument={"Statement": [refuse]}),
        "JobRole": role(statement("Never", "s3:PutObject", effect="Deny")),
    }


def test_a_removed_stack_widens_nothing_that_is_gone_with_it() -> None:
    assert changes_between([stack_of(guarded_bucket())], []) == [("Removed", "network", "the stack, with 3 resources")]


def test_data_that_outlives_its_stack_loses_the_denials_of_its_policy() -> None:
    found = changes_between([stack_of(guarded_bucket(DeletionPolicy="Retain"))], [])

    assert found[1:] == [
        ("Access widened", "network.BucketPolicy", "no longer Refuse: anyone may not s3: \\* on itself")
    ]


def test_a_removed_role_takes_its_denials_with_it_and_the_policy_of_a_bucket_that_stays_does_not() -> None:
    before = guarded_bucket()
    without_role = {name: before[name] for name in ("Bucket", "BucketPolicy")}
    without_policy = {name: before[name] for name in ("Bucket", "JobRole")}

    assert of(before, without_role) == [("Removed", "network.JobRole", "IAM::Role")]
    assert [kind for kind, _, _ in of(before, without_policy)] == ["Removed", "Access widened"]


def serving(service: str, *statements: dict[str, Any], layer: str = "build") -> StackTemplate:
    return stack_of({"JobRole": role(*statements)}, label=f"{layer}-{service}", service=service, layer=layer)


def for_service(service: str, folder: str, *more: dict[str, Any]) -> StackTemplate:
    read = statement("Read", "s3:GetObject", on=f"arn:aws:s3:::store/{folder}/App/*")
    return serving(service, read, statement("Log", "logs:Put", on=f"arn:aws:s3:::logs/{service}"), *more)


def test_a_new_service_is_described_by_what_differs_from_one_that_is_there() -> None:
    till = for_service("till", "till-shop-tools", statement("Never", "s3:*", effect="Deny"))
    ledger = for_service("general-ledger", "general-ledger-shop-", statement("Send", "sqs:SendMessage", on="q"))

    assert changes_between([till], [till, ledger]) == [
        ("Added", "build-general-ledger", "the stack, with 1 resource"),
        ("Access widened", "build-general-ledger", "general-ledger has the same access as till"),
        ("Access widened", "build-general-ledger.JobRole", "Send: may sqs: SendMessage on q"),
        ("Access widened", "build-general-ledger.JobRole", "unlike till, without Never: may not s3: \\* on \\*"),
    ]


def test_of_two_new_services_the_first_is_described_in_full() -> None:
    first, second = for_service("a", "a-shop-tools"), for_service("b", "b-shop-tools")

    assert [(where, text) for kind, where, text in changes_between([], [first, second]) if kind != "Added"] == [
        ("build-a.JobRole", "Trust: ecs-tasks.amazonaws.com may sts: AssumeRole on itself"),
        ("build-a.JobRole", "Read: may s3: GetObject on store/a-shop-tools/App/\\*"),
        ("build-a.JobRole", "Log: may logs: Put on logs/a"),
        ("build-b", "b has the same access as a"),
    ]


def test_a_service_that_shares_nothing_with_another_is_described_in_full() -> None:
    other = stack_of({}, label="build-b", service="b", layer="build")
    denying = serving("a", statement("Never", "s3:*", effect="Deny"))

    assert [(kind, text) for kind, _, text in changes_between([other], [other, denying])] == [
        ("Added", "the stack, with 1 resource"),
        ("Access widened", "Trust: ecs-tasks.amazonaws.com may sts: AssumeRole on itself"),
        ("Access narrowed", "Never: may not s3: \\* on \\*"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        pytest.param({"A": resource("X::Y")}, {}, [("Removed", "network.A", "X::Y")], id="removed"),
        pytest.param(
            {"A": resource("X::Y") | {"DeletionPolicy": "RetainExceptOnCreate"}},
            {},
            [("Removed", "network.A", "X::Y, which is retained")],
            id="removed from the stack alone",
        ),
        pytest.param({}, {"A": resource("X::Y")}, [("Added", "network.A", "X::Y")], id="added"),
        pytest.param(
            {"A": resource("X::Y")}, {"A": resource("X::Z")}, [("Replaced", "network.A", "X::Y by X::Z")], id="type"
        ),
        pytest.param(
            {"A": resource("EC2::VPC", CidrBlock="10.0.0.0/16")},
            {"A": resource("EC2::VPC", CidrBlock="10.1.0.0/16")},
            [("Replaced", "network.A", "CidrBlock: `10.0.0.0/16` to `10.1.0.0/16`")],
            id="what cannot change in place",
        ),
        pytest.param(
            {"A": resource("EC2::VPC", Tenancy={"Kind": "a"})},
            {"A": resource("EC2::VPC", Tenancy={"Kind": "b"})},
            [("Changed", "network.A", "Tenancy.Kind: `a` to `b`, which may replace the resource")],
            id="what may not change in place",
        ),
        pytest.param(
            {"A": resource("X::Y", On=True)},
            {"A": resource("X::Y", Off="")},
            [("Changed", "network.A", "On: no longer `true`"), ("Changed", "network.A", "Off: now `empty`")],
            id="other properties",
        ),
        pytest.param(
            {"A": resource("X::Y", Code="a\nb\nc")},
            {"A": resource("X::Y", Code="a\nc\nd\ne")},
            [("Changed", "network.A", "Code: text of 4 lines, 2 added and 1 removed")],
            id="text of many lines",
        ),
        pytest.param(
            {"A": resource("X::Y", Text="a" * 200)},
            {"A": resource("X::Y", Text="b")},
            [("Changed", "network.A", f"Text: `{'a' * 100}...` to `b`")],
            id="long text",
        ),
        pytest.param(
            {"A": resource("X::Y", Text="a" * 200 + "old")},
            {"A": resource("X::Y", Text="a" * 200 + "new" + "z" * 90)},
            [("Changed", "network.A", f"Text: `...{'a' * 30}old` to `...{'a' * 30}new{'z' * 67}...`")],
            id="long text that differs late",
        ),
        pytest.param(
            {"A": resource("X::Y", Text="a" * 90 + "old")},
            {"A": resource("X::Y", Text="a" * 90 + "new")},
            [("Changed", "network.A", f"Text: `{'a' * 90}old` to `{'a' * 90}new`")],
            id="text that differs late, but is short",
        ),
        pytest.param(
            {"A": resource("X::Y") | {"DeletionPolicy": "Retain"}},
            {"A": resource("X::Y") | {"DeletionPolicy": "Delete"}},
            [("Changed", "network.A", "DeletionPolicy: `Retain` to `Delete`")],
            id="fate",
        ),
    ],
)
def test_a_change_of_a_resource_is_described_in_words(
    before: dict[str, Any], after: dict[str, Any], found: list[tuple[str, str, str]]
) -> None:
    assert of(before, after) == found


def with_sections(metadata: dict[str, Any] | None = None, **sections: Any) -> StackTemplate:
    stack = stack_of({"A": resource("X::Y")})
    facts = {**stack.content["Metadata"][METADATA_KEY], **(metadata or {})}
    return replace(stack, content={**stack.content, **sections, "Metadata": {METADATA_KEY: facts}})


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        pytest.param(
            with_sections(Mappings={"Rights": {"Build": {"Log": ["logs:PutLogEvents"]}}}),
            with_sections(Mappings={"Rights": {"Build": {"Log": ["logs:PutLogEvents", "iam:PassRole"]}}}),
            ("network, section Mappings", "Rights.Build.Log: `logs:PutLogEvents` to `logs:PutLogEvents, iam:PassRole`"),
            id="a mapping",
        ),
        pytest.param(
            with_sections(Conditions={"Never": {"Fn::Equals": ["a", "b"]}}),
            with_sections(Conditions={"Never": {"Fn::Equals": ["a", "a"]}}),
            ("network, section Conditions", "Never: `Fn::Equals a, b` to `Fn::Equals a, a`"),
            id="a condition",
        ),
        pytest.param(
            with_sections(),
            with_sections(Transform="Macro"),
            ("network, section Transform", "now `Macro`"),
            id="a macro",
        ),
        pytest.param(
            with_sections({"Protection": "protected"}),
            with_sections({"Protection": "disposable"}),
            ("network, metadata", "CicdTemplates.Protection: `protected` to `disposable`"),
            id="a fact that commands obey",
        ),
    ],
)
def test_what_changes_outside_the_resources_is_a_change(
    before: StackTemplate, after: StackTemplate, found: tuple[str, str]
) -> None:
    assert changes_between([before], [after]) == [("Changed", *found)]


def test_where_a_template_comes_from_is_no_change() -> None:
    before, after = with_sections({"Sources": ["a.py"]}), with_sections({"Sources": ["b.py"], "Patches": {"A": "why"}})

    assert changes_between([before], [after]) == []


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        pytest.param({"Roles": ["a"]}, {"Roles": ["b"]}, "Access widened", id="another role with a policy"),
        pytest.param({"Roles": ["a"]}, {}, "Access narrowed", id="no roles"),
        pytest.param({"ManagedPolicyArns": ["a"]}, {"ManagedPolicyArns": ["a", "b"]}, "Access widened", id="a policy"),
        pytest.param({"PermissionsBoundary": "a"}, {}, "Access widened", id="no boundary"),
        pytest.param({}, {"PermissionsBoundary": "a"}, "Access narrowed", id="a boundary"),
        pytest.param({"ServiceRole": "a"}, {"ServiceRole": "b"}, "Access widened", id="another role of a build"),
        pytest.param(
            {"Task": {"RoleArn": "a"}}, {"Task": {"RoleArn": "b"}}, "Access widened", id="a role further down"
        ),
        pytest.param({"Size": 1}, {"Size": 2}, "Changed", id="no access"),
    ],
)
def test_properties_that_decide_access_are_told_apart(before: Any, after: Any, kind: str) -> None:
    found = of({"A": resource("X::Y", **before)}, {"A": resource("X::Y", **after)})

    assert [each[0] for each in found] == [kind]


def test_metadata_of_a_resource_is_compared_without_its_reasons() -> None:
    before, after = (resource("X::Y") | {"Metadata": metadata} for metadata in ({"Why": ["a"]}, {"Why": ["b"]}))
    suppressed = resource("X::Y") | {"Metadata": {"cfn-lint": {"config": {"ignore_checks": ["E9101"]}}}}

    assert of({"A": before}, {"A": after}) == []
    assert of({"A": before}, {"A": suppressed}) == [
        ("Changed", "network.A", "Metadata.cfn-lint: now `config ignore_checks E9101`")
    ]


def test_another_source_of_a_parameter_is_a_change() -> None:
    before = stack_of({}, parameters={"Key": reading("/a"), "Image": {"Type": "String"}})
    after = stack_of({}, parameters={"Key": reading("/b"), "Image": {"Type": "String"}})

    assert changes_between([before], [after]) == [
        ("Changed", "network, parameter Key", "Default: `/a` to `/b`".removeprefix("Default: "))
    ]


ALLOW = statement("Read", "s3:GetObject", on=["a"])
DENY = statement("Refuse", "s3:GetObject", on=["a"], effect="Deny")


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        pytest.param((), (ALLOW,), [("widened", "Read: may s3: GetObject on a")], id="new permission"),
        pytest.param((ALLOW,), (), [("narrowed", "no longer Read: may s3: GetObject on a")], id="lost permission"),
        pytest.param((), (DENY,), [("narrowed", "Refuse: may not s3: GetObject on a")], id="new denial"),
        pytest.param((DENY,), (), [("widened", "no longer Refuse: may not s3: GetObject on a")], id="lost denial"),
        pytest.param(
            (ALLOW,),
            (ALLOW | {"Action": ["s3:PutObject"]},),
            [("widened", "Read: may also s3: PutObject"), ("narrowed", "Read: may no longer s3: GetObject")],
            id="other actions",
        ),
        pytest.param(
            (ALLOW,), (ALLOW | {"Resource": ["a", "b"]},), [("widened", "Read: may also on b")], id="more resources"
        ),
        pytest.param(
            (DENY | {"Resource": ["a", "b"]},),
            (DENY,),
            [("widened", "Refuse: may not no longer on b")],
            id="fewer denied",
        ),
        pytest.param(
            (ALLOW,),
            (ALLOW | {"Condition": {"Bool": {"k": "true"}}},),
            [("narrowed", "Read: the condition changes from none to k is true")],
            id="new condition",
        ),
        pytest.param(
            (ALLOW | {"Condition": {"Bool": {"k": "true"}}},),
            (ALLOW,),
            [("widened", "Read: the condition changes from k is true to none")],
            id="lost condition",
        ),
        pytest.param(
            (ALLOW | {"Condition": {"Bool": {"k": "true"}}},),
            (ALLOW | {"Condition": {"Bool": {"k": "false"}}},),
            [("widened", "Read: the condition changes from k is true to k is false")],
            id="another condition",
        ),
        pytest.param(
            (ALLOW | {"Condition": {"ArnLike": {"aws:PrincipalArn": ["a", "b"]}}},),
            (ALLOW | {"Condition": {"ArnLike": {"aws:PrincipalArn": ["b"]}}},),
            [("narrowed", "Read: the condition changes from aws:PrincipalArn is a or b to aws:PrincipalArn is b")],
            id="fewer alternatives",
        ),
        pytest.param(
            (DENY,),
            (DENY | {"Condition": {"Bool": {"k": "true"}}},),
            [("widened", "Refuse: the condition changes from none to k is true")],
            id="condition of a denial",
        ),
        pytest.param(
            (ALLOW, ALLOW), (ALLOW,), [("narrowed", "no longer Read: may s3: GetObject on a")], id="stated twice"
        ),
    ],
)
def test_access_is_widened_or_narrowed(before: Any, after: Any, found: list[tuple[str, str]]) -> None:
    assert of({"JobRole": role(*before)}, {"JobRole": role(*after)}) == [
        (f"Access {how}", "network.JobRole", words) for how, words in found
    ]


def test_a_reason_and_principals_are_in_the_words() -> None:
    before = resource("X::Policy", PolicyDocument={"Statement": [statement("S", "x:Get", Principal={"AWS": ["a"]})]})
    after = resource(
        "X::Policy", PolicyDocument={"Statement": [statement("S", "x:Get", Principal={"AWS": ["a", "b"]})]}
    )
    starred = role(statement("S", "x:Get"), why=("S names every resource: it has no level",))

    assert of({"P": before}, {"P": after}) == [("Access widened", "network.P", "S: may also by b")]
    assert of({"R": role()}, {"R": starred}) == [
        ("Access widened", "network.R", "S: may x: Get on \\*, because it has no level")
    ]


def test_what_is_a_holders_own_is_named_in_full() -> None:
    grant = statement("Read", "s3:GetObject", on={"Fn::GetAtt": ["JobBucket", "Arn"]})

    assert of({"JobRole": role()}, {"JobRole": role(grant)})[0][2] == "Read: may s3: GetObject on JobBucket"


def test_other_parts_of_a_policy_are_changes_like_any() -> None:
    before, after = role(ALLOW), role(ALLOW)
    after["Properties"]["Policies"][0]["PolicyName"] = "Other"
    shorter = role(ALLOW)
    shorter["Properties"]["Policies"] = []

    assert [kind for kind, _, _ in of({"R": before}, {"R": after})] == ["Changed", "Changed"]
    assert [kind for kind, _, _ in of({"R": before}, {"R": shorter})] == ["Changed", "Access narrowed"]


def test_statements_without_names_are_compared_by_their_place() -> None:
    def policy(*actions: str) -> dict[str, Any]:
        listed = [{"Effect": "Allow", "Action": [each], "Resource": "*"} for each in actions]
        return {"R": resource("IAM::Policy", PolicyDocument={"Statement": listed})}

    assert of(policy("a:Get", "b:Get"), policy("a:Get", "b:Put")) == [
        ("Access widened", "network.R", ": may also b: Put"),
        ("Access narrowed", "network.R", ": may no longer b: Get"),
    ]
    assert of(policy("a:Get"), policy("a:Get", "b:Put")) == [("Access widened", "network.R", ": may b: Put on \\*")]


def test_the_schemas_say_what_cannot_change_in_place() -> None:
    always, perhaps = create_only("eu-central-1", "AWS::ECS::Service")

    assert "ServiceName" in always
    assert "LaunchType" in perhaps
    assert create_only("eu-central-1", "AWS::No::Such") == (frozenset(), frozenset())


def test_the_page_has_the_worst_first_and_what_is_alike_once() -> None:
    def environments(size: int, name: str) -> list[StackTemplate]:
        return [
            stack_of(
                {"A": resource("X::Y", Size=size, Where=f"{name}-{environment}"), "B": resource("X::Y", Size=size)},
                environment=environment,
            )
            for environment in ("staging", "production")
        ]

    before, after = environments(1, "old"), environments(2, "new")
    after[1].resources["A"]["Type"] = "AWS::X::Z"
    found = template_changes(
        review_stacks(before), review_stacks(after), lambda region, kind: (frozenset(), frozenset())
    )

    assert markdown("What changes", found, 5).splitlines() == [
        "# What changes",
        "",
        "2 of 5 stacks: 1 replaced, 4 changed.",
        "",
        "## Replaced (1)",
        "",
        "CloudFormation creates a new resource and deletes the old one.",
        "",
        "- **production** `network.A`: X::Y by X::Z",
        "",
        "## Changed (4 in 2 lines)",
        "",
        "- **staging** `network.A`, `network.B`; **production** `network.B`: Size: `1` to `2`",
        "- **staging** `network.A`: Where: `old-staging` to `new-staging`",
    ]


def test_the_page_says_that_nothing_changed_and_does_not_drown_in_names() -> None:
    many = {f"R{number}": resource("X::Y", Size=1) for number in range(8)}
    more = {f"R{number}": resource("X::Y", Size=2) for number in range(8)}
    found = template_changes(
        review_stacks([stack_of(many)]), review_stacks([stack_of(more)]), lambda region, kind: (frozenset(),) * 2
    )

    assert markdown("T", [], 3).endswith("No changes: the templates of all stacks (3) are the same as before.\n")
    page = markdown("T", found, 1)
    assert "`network.R5` and 2 more: Size" in page
    assert page.splitlines()[2:5:2] == ["1 of 1 stacks: 8 changed.", "## Changed (8 in 1 line)"]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        pytest.param(
            {"NotAction": ["a:Get", "a:Put"]},
            {"NotAction": ["a:Get"]},
            [("Access widened", "S: may no longer all but a: Put")],
            id="fewer exceptions",
        ),
        pytest.param(
            {"NotAction": ["a:Get"]},
            {"NotAction": ["a:Get", "a:Put"]},
            [("Access narrowed", "S: may also all but a: Put")],
            id="more exceptions",
        ),
        pytest.param(
            {"Action": ["a:Get"]},
            {"NotAction": ["a:Get"]},
            [("Access widened", "S: may all but a: Get on \\*; previously S: may a: Get on \\*")],
            id="a list that becomes exceptions",
        ),
    ],
)
def test_exceptions_count_the_other_way_round(before: Any, after: Any, found: list[tuple[str, str]]) -> None:
    def policy(element: dict[str, Any]) -> dict[str, Any]:
        listed = [{"Sid": "S", "Effect": "Allow", "Resource": "*", **element}]
        return {"R": resource("IAM::Policy", PolicyDocument={"Statement": listed})}

    assert [(kind, words) for kind, _, words in of(policy(before), policy(after))] == found


def test_a_condition_with_one_more_part_narrows() -> None:
    one = {"Condition": {"Bool": {"k": "true"}}}
    two = {"Condition": {"Bool": {"k": "true", "m": "true"}}}

    assert of({"R": role(ALLOW | one)}, {"R": role(ALLOW | two)}) == [
        ("Access narrowed", "network.R", "Read: the condition changes from k is true to k is true and m is true")
    ]


def test_properties_that_come_from_a_macro_are_one_change() -> None:
    macro = {"Fn::Transform": {"Name": "Macro"}}
    before = {"A": {"Type": "AWS::X::Y", "Properties": macro}}

    ((kind, where, _),) = of(before, {"A": resource("X::Y", Size=1)})
    assert (kind, where) == ("Changed", "network.A")


def test_metadata_without_facts_is_compared() -> None:
    stack = stack_of({"A": resource("X::Y")})
    empty = replace(stack, content={**stack.content, "Metadata": None})

    assert {where for _, where, _ in changes_between([empty], [stack])} == {"network, metadata"}
