"""A renamed service: unchanged permissions count as renamed, and all others as wider or narrower."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.template.stack_template import StackTemplate
from tests.unit.review.conftest import resource, role, stack_of, statement
from tests.unit.review.test_changes import changes_between

REMOVED, ADDED = "Removed", "Added"
SEND = statement("Send", "sqs:SendMessage", on="q")
NEVER = statement("Never", "s3:*", effect="Deny")


def service(name: str, *more: dict[str, Any], layer: str = "build", **resources: Any) -> StackTemplate:
    read = statement("Read", "s3:GetObject", on=f"arn:aws:s3:::store/{name}/*")
    return stack_of({"JobRole": role(read, *more), **resources}, label=f"{layer}-{name}", service=name, layer=layer)


def access(before: list[StackTemplate], after: list[StackTemplate]) -> list[tuple[str, str, str]]:
    return [change for change in changes_between(before, after) if change[0] not in (REMOVED, ADDED)]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ((), (), []),
        ((), (SEND,), [("Access widened", "build-stickers.JobRole", "Send: may sqs: SendMessage on q")]),
        ((SEND,), (), [("Access narrowed", "build-stickers.JobRole", "no longer Send: may sqs: SendMessage on q")]),
        ((NEVER,), (), [("Access widened", "build-stickers.JobRole", "no longer Never: may not s3: \\* on \\*")]),
        ((), (NEVER,), [("Access narrowed", "build-stickers.JobRole", "Never: may not s3: \\* on \\*")]),
    ],
    ids=["only the name", "one right more", "one right less", "one denial less", "one denial more"],
)
def test_a_service_with_another_name_has_the_access_that_it_had(
    before: tuple[dict[str, Any], ...], after: tuple[dict[str, Any], ...], found: list[tuple[str, str, str]]
) -> None:
    renamed = ("Renamed", "build-stickers", "stickers has the same access as labels had")

    assert access([service("labels", *before)], [service("stickers", *after)]) == [renamed, *found]


def test_the_stacks_themselves_are_removed_and_added() -> None:
    found = changes_between([service("labels")], [service("stickers")])

    assert [(kind, where) for kind, where, _ in found] == [
        ("Removed", "build-labels"),
        ("Added", "build-stickers"),
        ("Renamed", "build-stickers"),
    ]


def test_a_service_with_other_layers_or_nothing_in_common_is_a_new_one() -> None:
    labels, stickers = service("labels"), service("stickers", layer="deploy")
    assert [kind for kind, _, _ in access([labels], [stickers])] == ["Access widened"] * 2

    other = stack_of({"Role": role(SEND)}, label="build-stickers", service="stickers", layer="build")
    assert "Renamed" not in {kind for kind, _, _ in access([labels], [other])}


def test_of_several_services_each_is_matched_with_the_most_similar_one() -> None:
    before = [service("labels", SEND), service("parcels", NEVER), service("till")]
    after = [service("boxes", NEVER), service("stickers", SEND), service("till")]

    assert access(before, after) == [
        ("Renamed", "build-boxes", "boxes has the same access as parcels had"),
        ("Renamed", "build-stickers", "stickers has the same access as labels had"),
    ]


def shared(*names: str, action: str = "sqs:SendMessage") -> StackTemplate:
    allowed = [
        statement(f"Use{number}", action, on="*", Principal={"AWS": f"arn:aws:iam::100000000002:role/{name}"})
        for number, name in enumerate(names)
    ]
    return stack_of(
        {"QueuePolicy": resource("SQS::QueuePolicy", PolicyDocument={"Statement": allowed})}, label="queues"
    )


@pytest.mark.parametrize(
    ("queues", "found"),
    [
        (shared("stickers"), [("Renamed", "Use0: stickers instead of labels")]),
        (
            shared("stickers", action="sqs:*"),
            [
                ("Access widened", "Use0: may also sqs: \\*"),
                ("Access narrowed", "Use0: may no longer sqs: SendMessage"),
                ("Access widened", "Use0: may also by iam:role/stickers"),
                ("Access narrowed", "Use0: may no longer by iam:role/labels"),
            ],
        ),
        (
            shared("till"),
            [
                ("Access widened", "Use0: may also by iam:role/till"),
                ("Access narrowed", "Use0: may no longer by iam:role/labels"),
            ],
        ),
        (shared("labels"), []),
    ],
    ids=["the new name", "a wider right too", "another service", "still the old name"],
)
def test_a_policy_that_names_the_service_anew_is_renamed_only_if_nothing_else_differs(
    queues: StackTemplate, found: list[tuple[str, str]]
) -> None:
    changes = access([service("labels"), shared("labels")], [service("stickers"), queues])

    assert [(kind, text) for kind, where, text in changes if where == "queues.QueuePolicy"] == found


def test_without_a_sid_a_statement_is_compared_by_its_place() -> None:
    def queues(name: str) -> StackTemplate:
        stack = shared(name)
        del stack.resources["QueuePolicy"]["Properties"]["PolicyDocument"]["Statement"][0]["Sid"]
        return stack

    changes = access([service("labels"), queues("labels")], [service("stickers"), queues("stickers")])
    assert [kind for kind, where, _ in changes if where.startswith("queues")] == ["Access widened", "Access narrowed"]


@pytest.mark.parametrize("policy", ["Retain", "Delete"])
def test_data_that_stays_under_the_old_name_loses_the_denials_of_its_policy(policy: str) -> None:
    def with_bucket(name: str) -> StackTemplate:
        refuse = statement("Refuse", "s3:*", Principal="*", effect="Deny")
        bucket = resource("S3::Bucket") | {"DeletionPolicy": policy}
        guard = resource("S3::BucketPolicy", Bucket={"Ref": "Bucket"}, PolicyDocument={"Statement": [refuse]})
        return service(name, Bucket=bucket, BucketPolicy=guard)

    lost = ("Access widened", "build-labels.BucketPolicy", "no longer Refuse: anyone may not s3: \\* on itself")
    renamed = ("Renamed", "build-stickers", "stickers has the same access as labels had")
    expected = [lost, renamed] if policy == "Retain" else [renamed]
    assert access([with_bucket("labels")], [with_bucket("stickers")]) == expected


def test_a_stack_of_a_renamed_service_that_shares_nothing_is_described_in_full() -> None:
    def health(name: str, access: dict[str, Any]) -> StackTemplate:
        resources = {"Policy": resource("IAM::Policy", PolicyDocument={"Statement": [access]})}
        return stack_of(resources, label=f"health-{name}", service=name, layer="health")

    before = [service("labels", NEVER), health("labels", NEVER)]
    after = [service("stickers", NEVER), health("stickers", SEND)]

    assert access(before, after) == [
        ("Renamed", "build-stickers", "stickers has the same access as labels had"),
        ("Access widened", "health-stickers.Policy", "Send: may sqs: SendMessage on q"),
        ("Access widened", "health-stickers.Policy", "no longer Never: may not s3: \\* on \\*"),
    ]
