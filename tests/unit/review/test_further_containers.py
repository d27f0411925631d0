"""The text for a reviewer about containers that run images of others."""

from __future__ import annotations

from typing import Any

from cicd_templates.review import environment_page
from cicd_templates.review.changes import template_changes
from cicd_templates.review.further_containers import container_rows
from cicd_templates.review.reviewed_stacks import review_stacks
from cicd_templates.template.stack_template import StackTemplate
from tests.unit.review.conftest import one, resource, role, stack_of

PROXY = f"public.ecr.aws/nginx/nginx@sha256:{'a' * 64}"
OWN = {
    "Name": "till",
    "Image": {"Ref": "ImageUri"},
    "ReadonlyRootFilesystem": True,
    "DependsOn": [
        {"ContainerName": "prepare", "Condition": "SUCCESS"},
        {"ContainerName": "proxy", "Condition": "START"},
    ],
}


def further(name: str = "proxy", **settings: Any) -> dict[str, Any]:
    return {"Name": name, "Image": PROXY, "User": "10001:10001", "ReadonlyRootFilesystem": True, **settings}


def resources(*containers: Any) -> dict[str, Any]:
    task = resource(
        "ECS::TaskDefinition", ContainerDefinitions=list(containers), TaskRoleArn={"Fn::GetAtt": ["TaskRole", "Arn"]}
    )
    return {"TaskRole": role(), "Task": task}


def rows(*containers: Any) -> list[tuple[str, ...]]:
    return container_rows(one(resources(*containers), label="service-till", layer="service", service="till"))


def test_the_container_of_the_release_has_no_row() -> None:
    assert rows(OWN) == []


def test_a_row_says_when_a_container_starts_and_what_it_may_do() -> None:
    secret = {"Name": "PIN", "ValueFrom": "arn:aws:ssm:eu-central-1:100000000002:parameter/till/pin"}
    found = rows(
        OWN,
        further("prepare", Essential=False, MountPoints=[{"SourceVolume": "spool", "ContainerPath": "/spool"}]),
        further(Secrets=[secret], LinuxParameters={"Tmpfs": [{"ContainerPath": "/tmp", "Size": 8}]}),
        further("agent", Essential=False),
    )

    rights = "10001:10001, with the rights of TaskRole"
    assert [row[:3] for row in found] == [("service-till.Task", name, PROXY) for name in ("prepare", "proxy", "agent")]
    assert [row[3:] for row in found] == [
        ("first, and must end with exit code 0", rights, "no secrets", "/spool (volume spool)"),
        (
            "with the other containers; if this container ends, the task ends",
            rights,
            "PIN (ssm:parameter/till/pin)",
            "/tmp (memory)",
        ),
        ("with the other containers", rights, "no secrets", "nothing"),
    ]


def test_what_a_container_may_beyond_the_others_stands_out() -> None:
    open_container = {
        "Name": "agent",
        "Image": PROXY,
        "Privileged": True,
        "LinuxParameters": {"Capabilities": {"Add": ["SYS_PTRACE"]}},
        "MountPoints": [{"SourceVolume": "spool", "ContainerPath": "/spool", "ReadOnly": True}],
    }
    ((*_, user, _, folders),) = rows(open_container)

    assert user == (
        "root, or the user of its image, with the rights of TaskRole, privileged, with the capabilities SYS_PTRACE"
    )
    assert folders == "every folder of its image"


def test_tasks_without_a_role_or_without_a_list_of_containers_are_read_too() -> None:
    template = {
        "Plain": resource("ECS::TaskDefinition", ContainerDefinitions=[further(), {"Ref": "AWS::NoValue"}]),
        "Unknown": resource("ECS::TaskDefinition", ContainerDefinitions={"Fn::If": ["A", [], []]}),
        "Role": role(),
    }

    ((task, *_, user, _, _),) = container_rows(one(template))
    assert (task, user) == ("network.Plain", "10001:10001, with no role")


def changes(before: list[Any], after: list[Any]) -> list[str]:
    old, new = (review_stacks([stack_of(resources(*containers))]) for containers in (before, after))
    found = template_changes(old, new, lambda region, kind: (frozenset(), frozenset()))
    return [change.text for change in found]


def test_an_added_container_is_described_in_words() -> None:
    (text,) = changes([OWN], [OWN, further("prepare")])

    assert text == (
        f"ContainerDefinitions.prepare: adds a container that runs {PROXY.replace('@', '`@`')}; it starts first, and"
        " must end with exit code 0; it runs as 10001:10001, with the rights of TaskRole; it reads no secrets; it"
        " writes to nothing"
    )


def test_a_removed_container_and_other_changes_of_a_task_are_described_as_everywhere() -> None:
    (removed,) = changes([OWN, further("agent")], [OWN])
    (changed,) = changes([OWN, further("agent")], [OWN, further("agent", User="1")])
    (added,) = changes([OWN], [{**OWN, "Memory": 64}])

    assert removed.startswith("ContainerDefinitions.agent: no longer `")
    assert changed == "ContainerDefinitions.agent.User: `10001:10001` to `1`"
    assert added == "ContainerDefinitions.till.Memory: now `64`"


def test_the_page_has_the_table_only_if_there_are_such_containers() -> None:
    nothing = {"staging": environment_page.Overrides({}, ())}

    def page(*containers: Any) -> str:
        stack: StackTemplate = stack_of(resources(*containers), label="service-till", layer="service", service="till")
        return environment_page.Review(review_stacks([stack])).pages(nothing)["staging"]

    assert "## Further containers" in page(OWN, further())
    assert "Further containers" not in page(OWN)
