"""Further containers and volumes of a service in the templates: order, limits, permissions and folders."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.config.validation.shapes import WEB_KEYS
from cicd_templates.render.render import render
from cicd_templates.template import cloudformation_yaml
from templates import LAYERS
from tests.conftest import RAW, configured
from tests.unit.config.problems import SERVICE

NAME = "parcel-dispatcher"
DIGEST = f"@sha256:{'a' * 64}"
PUBLIC = f"public.ecr.aws/nginx/nginx{DIGEST}"
PRIVATE = f"999999999999.dkr.ecr.eu-central-1.amazonaws.com/base/tools{DIGEST}"
DATABASE = "arn:aws:secretsmanager:eu-central-1:999999999999:secret:pay/database-Ab12Cd"


def stacks_of(**settings: Any) -> dict[str, dict[str, Any]]:
    edits = [(f"{SERVICE}/{key}", value) for key, value in settings.items()]
    return {
        stack.path: cloudformation_yaml.load(stack.text)
        for stack in render(configured(*edits), LAYERS, "yaml")
        if stack.path.startswith("staging/")
    }


def resources_of(layer: str = "service", **settings: Any) -> dict[str, Any]:
    resources: dict[str, Any] = stacks_of(**settings)[f"staging/{layer}-{NAME}.yaml"]["Resources"]
    return resources


def task_of(**settings: Any) -> dict[str, Any]:
    properties: dict[str, Any] = resources_of(**settings)["TaskDefinition"]["Properties"]
    return properties


def containers_of(**settings: Any) -> dict[str, dict[str, Any]]:
    return {container["Name"]: container for container in task_of(**settings)["ContainerDefinitions"]}


def statements_of(role: dict[str, Any]) -> dict[str, dict[str, Any]]:
    (policy,) = role["Properties"]["Policies"]
    return {statement["Sid"]: statement for statement in policy["PolicyDocument"]["Statement"]}


def conditions(container: dict[str, Any]) -> dict[str, str]:
    return {each["ContainerName"]: each["Condition"] for each in container.get("DependsOn", ())}


@pytest.mark.no_cover
@pytest.mark.parametrize("shape", ["web", "worker"])
def test_no_container_may_do_more_than_the_service_itself(shape: str) -> None:
    removed = {key: ... for key in RAW["services"][NAME] if shape == "worker" and key in WEB_KEYS}
    own, further = containers_of(shape=shape, containers={"proxy": {"image": PUBLIC}}, **removed).values()

    for key in ("ReadonlyRootFilesystem", "LinuxParameters", "User"):
        assert further[key] == own[key]
    assert further["Image"] == PUBLIC
    assert further["Essential"] is True
    assert not {"PortMappings", "Environment", "Command", "Secrets", "Privileged", "MountPoints"} & set(further)
    assert further["LogConfiguration"] == own["LogConfiguration"]


def test_init_containers_run_one_after_the_other_and_before_all_others() -> None:
    containers = containers_of(
        containers={
            "prepare": {"image": PUBLIC, "init": True},
            "proxy": {"image": PUBLIC, "health_check": {"command": ["true"]}},
            "fill": {"image": PUBLIC, "init": True},
            "agent": {"image": PUBLIC, "essential": False},
        }
    )

    assert {name: conditions(container) for name, container in containers.items()} == {
        NAME: {"prepare": "SUCCESS", "proxy": "HEALTHY", "fill": "SUCCESS", "agent": "START"},
        "prepare": {},
        "proxy": {"prepare": "SUCCESS", "fill": "SUCCESS"},
        "fill": {"prepare": "SUCCESS"},
        "agent": {"prepare": "SUCCESS", "fill": "SUCCESS"},
    }
    essential = {name for name, container in containers.items() if container["Essential"]}
    assert essential == {NAME, "proxy"}


def test_the_settings_of_a_container_reach_its_definition() -> None:
    container = containers_of(
        containers={
            "proxy": {
                "image": PUBLIC,
                "command": ["proxy", "--quiet"],
                "environment": {"B": "2", "A": "1"},
                "ports": [9000],
                "memory": 128,
                "user": "2000",
                "start_seconds": 60,
                "stop_seconds": 120,
                "health_check": {"command": ["curl", "localhost:9000"], "retries": 2, "grace_seconds": 10},
            }
        }
    )["proxy"]

    assert container["Command"] == ["proxy", "--quiet"]
    assert [each["Name"] for each in container["Environment"]] == ["A", "B"]
    assert container["PortMappings"] == [{"ContainerPort": 9000, "Protocol": "tcp"}]
    assert (container["Memory"], container["User"]) == (128, "2000")
    assert (container["StartTimeout"], container["StopTimeout"]) == (60, 120)
    assert container["HealthCheck"] == {
        "Command": ["CMD", "curl", "localhost:9000"],
        "Interval": 30,
        "Timeout": 5,
        "Retries": 2,
        "StartPeriod": 10,
    }


def test_the_service_keeps_the_cpu_units_that_the_others_leave() -> None:
    one, two = {"image": PUBLIC, "cpu": 64}, {"image": PUBLIC, "cpu": 32}

    assert [each.get("Cpu") for each in containers_of(containers={"a": one, "b": two}).values()] == [160, 64, 32]
    assert [each.get("Cpu") for each in containers_of(containers={"a": {"image": PUBLIC}}).values()] == [None, None]


@pytest.mark.no_cover
def test_the_role_that_starts_tasks_reads_each_secret_once_and_pulls_from_exactly_the_configured_repositories() -> None:
    resources = resources_of(
        image=PRIVATE,
        secrets={"PASSWORD": f"{DATABASE}:password::", "PATH_OF": "/pay/a"},
        containers={
            "one": {"image": PRIVATE.replace("tools", "one"), "secrets": {"KEY": "proxy-key", "P": "/pay/a"}},
            "two": {"image": PRIVATE.replace("tools", "one"), "secrets": {"U": f"{DATABASE}:username::"}},
            "three": {"image": PUBLIC},
        },
    )
    statements = statements_of(resources["ExecutionRole"])
    containers = {each["Name"]: each for each in resources["TaskDefinition"]["Properties"]["ContainerDefinitions"]}

    begin = "arn:${AWS::Partition}:ecr:eu-central-1:999999999999:repository/base"
    assert statements["PullConfiguredImages"]["Resource"] == [
        {"Fn::Sub": f"{begin}/tools"},
        {"Fn::Sub": f"{begin}/one"},
    ]
    assert statements["PullConfiguredImages"]["Action"] == statements["PullTheImage"]["Action"]
    assert statements["ReadItsSecrets"]["Resource"] == [DATABASE, {"Ref": "ProxyKeySecretArn"}]
    assert len(statements["ReadItsParameters"]["Resource"]) == 1
    assert [each["Name"] for each in containers["one"]["Secrets"]] == ["KEY", "P"]
    assert containers["two"]["Secrets"] == [{"Name": "U", "ValueFrom": f"{DATABASE}:username::"}]
    assert "Secrets" not in containers["three"]


def test_public_images_and_the_pipelines_own_repository_need_no_further_right() -> None:
    own = f"111111111111.dkr.ecr.eu-central-1.amazonaws.com/shipping-tools-{NAME}{DIGEST}"
    statements = statements_of(resources_of(image=own, containers={"a": {"image": PUBLIC}})["ExecutionRole"])

    assert "PullConfiguredImages" not in statements


def test_the_secret_of_a_container_is_created_and_a_migration_does_not_read_it() -> None:
    stacks = stacks_of(
        secrets={"A": "own-key"},
        containers={"proxy": {"image": PUBLIC, "secrets": {"B": "proxy-key"}}},
        migration=["true"],
    )
    migration = stacks[f"staging/migration-{NAME}.yaml"]

    assert {"OwnKeySecret", "ProxyKeySecret"} <= set(stacks[f"staging/secrets-{NAME}.yaml"]["Resources"])
    assert "ProxyKeySecretArn" not in migration["Parameters"]
    (container,) = migration["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    assert "DependsOn" not in container


def test_a_folder_in_memory_holds_data_only() -> None:
    task = task_of(volumes={"tmp": {"path": "/tmp", "memory_mib": 64}})
    (container,) = task["ContainerDefinitions"]

    assert container["LinuxParameters"]["Tmpfs"] == [
        {"ContainerPath": "/tmp", "Size": 64, "MountOptions": ["rw", "noexec", "nosuid", "nodev"]}
    ]
    assert "MountPoints" not in container
    assert "Volumes" not in task


def test_folders_on_disk_are_shared_by_their_name_also_beside_those_of_exec_sessions() -> None:
    task = task_of(
        volumes={"spool": {"path": "/var/spool/pay"}},
        containers={"proxy": {"image": PUBLIC, "volumes": {"spool": {"path": "/in"}, "own": {"path": "/own"}}}},
        audited_exec=True,
        ephemeral_storage_gib=40,
    )
    own, proxy = task["ContainerDefinitions"]

    assert task["Volumes"] == [{"Name": name} for name in ("spool", "AgentState", "AgentLog", "own")]
    assert [each["SourceVolume"] for each in own["MountPoints"]] == ["spool", "AgentState", "AgentLog"]
    assert proxy["MountPoints"] == [
        {"SourceVolume": "spool", "ContainerPath": "/in"},
        {"SourceVolume": "own", "ContainerPath": "/own"},
    ]
    assert task["EphemeralStorage"] == {"SizeInGiB": 40}


@pytest.mark.no_cover
def test_a_migration_has_the_user_the_folders_and_the_disk_of_the_service() -> None:
    task = resources_of(
        "migration",
        migration=["true"],
        user="2000:3000",
        volumes={"spool": {"path": "/spool"}, "tmp": {"path": "/tmp", "memory_mib": 8}},
        containers={"proxy": {"image": PUBLIC, "volumes": {"other": {"path": "/other"}}}},
        ephemeral_storage_gib=21,
    )["TaskDefinition"]["Properties"]
    (container,) = task["ContainerDefinitions"]

    assert container["User"] == "2000:3000"
    assert container["MountPoints"] == [{"SourceVolume": "spool", "ContainerPath": "/spool"}]
    assert [each["ContainerPath"] for each in container["LinuxParameters"]["Tmpfs"]] == ["/tmp"]
    assert task["Volumes"] == [{"Name": "spool"}]
    assert task["EphemeralStorage"] == {"SizeInGiB": 21}


@pytest.mark.no_cover
def test_the_hook_that_verifies_images_knows_the_repositories_of_further_containers() -> None:
    resources = resources_of(
        "hooks",
        rollout="canary",
        hooks=["verify-image"],
        rollback_on_alarm=True,
        containers={"b": {"image": PUBLIC}, "a": {"image": PRIVATE}, "c": {"image": PUBLIC}},
    )
    variables = resources["VerifyImage"]["Properties"]["Environment"]["Variables"]

    assert variables["CONTAINER"] == NAME
    assert variables["FURTHER"] == f"{PRIVATE.partition('@')[0]},{PUBLIC.partition('@')[0]}"


@pytest.mark.no_cover
def test_a_task_that_is_replaced_because_a_container_is_unhealthy_counts_as_stopped() -> None:
    pattern = resources_of("health")["TaskEndedRule"]["Properties"]["EventPattern"]

    assert pattern["detail"]["$or"][1] == {
        "stoppedReason": [{"wildcard": "*ELB health checks*"}, {"wildcard": "*container health checks*"}]
    }
