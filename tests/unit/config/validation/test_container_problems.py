"""Further containers and volumes that ECS would refuse, or with which the task could not work."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import configured
from tests.unit.config.problems import SERVICE, problems_of

DIGEST = f"@sha256:{'a' * 64}"
PUBLIC = f"public.ecr.aws/nginx/nginx{DIGEST}"
OWN = f"999999999999.dkr.ecr.eu-central-1.amazonaws.com/base/proxy{DIGEST}"
HEALTH = {"command": ["curl", "-f", "http://localhost:9000/"]}


def container(**settings: Any) -> dict[str, Any]:
    return {"image": PUBLIC, **settings}


def containers(**tables: Any) -> tuple[str, Any]:
    return f"{SERVICE}/containers", {name.replace("_", "-"): table for name, table in tables.items()}


def volumes(**tables: Any) -> tuple[str, Any]:
    return f"{SERVICE}/volumes", tables


def once(key: str, message: str) -> list[str]:
    return [f"services.parcel-dispatcher.{key}: {message}"]


@pytest.mark.parametrize(
    ("edits", "key", "message"),
    [
        pytest.param(
            [containers(parcel_dispatcher=container())],
            "containers.parcel-dispatcher",
            "the service's own container already has the name parcel-dispatcher; choose another name for this"
            " container",
            id="the name of the service",
        ),
        pytest.param(
            [containers(aws_guardduty_agent=container())],
            "containers.aws-guardduty-agent",
            "AWS may add a container named aws-guardduty-agent to tasks; choose a name that does not begin with aws-",
            id="a name of AWS",
        ),
        pytest.param(
            [containers(prepare=container(init=True, essential=True))],
            "containers.prepare.essential",
            "a container with init ends before the service starts, so it cannot be essential; remove the key essential",
            id="an essential init container",
        ),
        pytest.param(
            [containers(prepare=container(init=True, health_check=HEALTH))],
            "containers.prepare.health_check",
            "a container with init needs no health check, because ECS waits for its exit code; remove health_check",
            id="a health check of an init container",
        ),
        pytest.param(
            [containers(prepare=container(init=True, ports=[9000]))],
            "containers.prepare.ports",
            "a container with init = true ends before another container can call it; remove ports",
            id="a port of an init container",
        ),
        pytest.param(
            [containers(proxy=container(start_seconds=60))],
            "containers.proxy.start_seconds",
            "has no effect, because nothing waits for this container; add health_check or init, or remove this key",
            id="a limit without a wait",
        ),
        pytest.param(
            [containers(proxy=container(environment={"KEY": "a"}, secrets={"KEY": "proxy-key"}))],
            "containers.proxy.secrets.KEY",
            "is already an environment variable of the container; choose another name",
            id="a secret in the place of a variable",
        ),
        pytest.param(
            [containers(proxy=container(ports=[8081, 8080]))],
            "containers.proxy.ports",
            "8080 is already the port of the service parcel-dispatcher; the containers of a task share one network"
            " interface, so choose another port",
            id="the port of the service",
        ),
        pytest.param(
            [containers(proxy=container(ports=[9000]), agent=container(ports=[9000]))],
            "containers.agent.ports",
            "9000 is already the port of the container proxy; the containers of a task share one network interface, so"
            " choose another port",
            id="the port of another container",
        ),
        pytest.param(
            [containers(proxy=container(image=OWN.replace("eu-central-1", "us-gov-west-1")))],
            "containers.proxy.image",
            "the registry is in the partition aws-us-gov, which no role of eu-central-1 can access; copy the image to a"
            " registry in aws",
            id="a registry of another partition",
        ),
        pytest.param(
            [volumes(one={"path": "/var/a"}, two={"path": "/var/a/b"})],
            "volumes.two.path",
            "/var/a/b overlaps with /var/a of the volume one; choose folders that do not contain each other",
            id="a folder in another",
        ),
        pytest.param(
            [containers(proxy=container(volumes={"one": {"path": "/a/b"}, "two": {"path": "/a"}}))],
            "containers.proxy.volumes.two.path",
            "/a overlaps with /a/b of the volume one; choose folders that do not contain each other",
            id="a folder around another",
        ),
        pytest.param(
            [volumes(logs={"path": "/var/log"}), (f"{SERVICE}/audited_exec", True)],
            "volumes.logs.path",
            "/var/log overlaps with /var/log/amazon, which audited_exec needs; choose another folder",
            id="a folder of the agent",
        ),
        pytest.param(
            [
                volumes(spool={"path": "/spool"}),
                containers(proxy=container(volumes={"spool": {"path": "/spool", "memory_mib": 8}})),
            ],
            "containers.proxy.volumes.spool",
            "volumes.spool has the same name, but only one of the two volumes is in memory;"
            " set memory_mib in both or in none, or choose another name",
            id="one name for two kinds",
        ),
    ],
)
def test_a_container_that_cannot_work_is_refused_with_the_remedy(
    edits: list[tuple[str, Any]], key: str, message: str
) -> None:
    assert problems_of(*edits) == once(key, message)


@pytest.mark.parametrize(
    ("edits", "path", "message"),
    [
        pytest.param(
            [containers(proxy=container(cpu=128), agent=container(cpu=128))],
            "environments.staging.services.parcel-dispatcher.containers",
            "the further containers reserve 256 of the task's 256 CPU units, so the service's own container gets none;"
            " reserve less, or set a larger cpu for the service",
            id="cpu",
        ),
        pytest.param(
            [
                containers(
                    proxy=container(memory=256), agent=container(volumes={"a": {"path": "/a", "memory_mib": 9}})
                ),
                volumes(tmp={"path": "/tmp", "memory_mib": 247}),
            ],
            "environments.staging.services.parcel-dispatcher.containers",
            "further containers (256 MiB) and folders in memory (256 MiB) use all of the task's 512 MiB, so the"
            " service's own container gets none; use less, or set a larger memory for the service",
            id="memory",
        ),
        pytest.param(
            [volumes(tmp={"path": "/tmp", "memory_mib": 512})],
            "environments.staging.services.parcel-dispatcher.volumes",
            "further containers (0 MiB) and folders in memory (512 MiB) use all of the task's 512 MiB, so the service's"
            " own container gets none; use less, or set a larger memory for the service",
            id="memory of folders alone",
        ),
        pytest.param(
            [containers(proxy=container(memory=64, volumes={"tmp": {"path": "/tmp", "memory_mib": 64}}))],
            "services.parcel-dispatcher.containers.proxy.memory",
            "the container's folders in memory need 64 MiB of its 64 MiB; use more memory, or smaller folders",
            id="memory of one container",
        ),
    ],
)
def test_the_containers_leave_the_service_a_part_of_the_task(
    edits: list[tuple[str, Any]], path: str, message: str
) -> None:
    assert problems_of(*edits)[0] == f"{path}: {message}"


def test_a_network_without_a_way_out_pulls_further_images_only_from_its_own_region() -> None:
    elsewhere = OWN.replace("eu-central-1", "us-east-1")
    images = {"near": {"image": OWN}, "far": {"image": elsewhere}, "public": {"image": PUBLIC}}
    edits = [("environments/staging/nat", "none"), ("environments/staging/endpoints", "all"), (f"{SERVICE}/image", OWN)]
    at = "environments.staging.services.parcel-dispatcher.containers"
    rest = (
        'cannot be pulled with nat = "none", so the service would never become stable; set nat = "single", or use an'
        " image in a private ECR registry of eu-central-1"
    )

    assert problems_of(*edits, containers(**images)) == [
        f"{at}.far.image: an image in us-east-1 {rest}",
        f"{at}.public.image: a public image {rest}",
    ]


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"image": "nginx:1.29"}, "image: 'nginx:1.29' is not allowed; write an image with registry and digest"),
        ({"image": "public.ecr.aws/nginx/nginx:1.29"}, "is not allowed; write an image with registry and digest"),
        ({}, "image: missing; this key is required"),
        (container(user="0"), "user: '0' is not allowed; write the numbers of a user and a group"),
        (container(environment={"API_TOKEN": "x"}), "environment: API_TOKEN (its name is that of a secret) would be"),
        (container(stop_seconds=121), "stop_seconds: write a number of at most 120, not 121"),
        (container(start_seconds=1), "start_seconds: write a number of at least 2, not 1"),
        (container(ports=[80]), "ports[0]: write a number of at least 1024, not 80"),
        (container(privileged=True), "privileged: unknown key"),
        (
            container(health_check={"command": ["CMD-SHELL", "true"]}),
            "health_check.command: 'CMD-SHELL' must be left out; write only the program and its arguments",
        ),
        (container(health_check={"command": []}), "health_check.command: write at least 1 value"),
        (container(volumes={"a": {"path": "/proc"}}), "volumes.a.path: '/proc' is not allowed"),
        (container(volumes={"a": {"path": "/a", "size": 1}}), "volumes.a.size: unknown key"),
    ],
)
def test_wrong_values_are_refused_by_their_path(table: dict[str, Any], problem: str) -> None:
    (found,) = problems_of(containers(proxy=table))

    assert found.startswith("services.parcel-dispatcher.containers.proxy.")
    assert problem in found


@pytest.mark.parametrize("size", [20, 201])
def test_fargate_offers_a_range_of_disk_sizes(size: int) -> None:
    (found,) = problems_of((f"{SERVICE}/ephemeral_storage_gib", size))

    assert found.startswith("services.parcel-dispatcher.ephemeral_storage_gib: write a number of at")


def test_a_secret_of_another_environment_is_refused_in_a_further_container_too() -> None:
    secrets = {"KEY": "/shipping/staging/proxy"}

    assert problems_of(containers(proxy=container(secrets=secrets))) == [
        "services.parcel-dispatcher.containers.proxy.secrets.KEY: /shipping/staging/proxy belongs to staging, but"
        " production would read it as well; write {environment} in the path of the secret, or give each"
        " environment a secret of its own: set the variable in the table"
        " environments.<name>.services.parcel-dispatcher.containers.proxy.secrets"
    ]


def test_an_environment_overrides_a_single_key_of_a_container() -> None:
    override = ("environments/production/services/parcel-dispatcher/containers", {"proxy": {"memory": 64}})
    production = configured(containers(proxy=container(secrets={"A": "/{environment}/a"})), override).environment(
        "production"
    )

    assert production is not None
    proxy = production.services[0].settings.containers["proxy"]
    assert (proxy.image, proxy.memory, proxy.secrets) == (PUBLIC, 64, {"A": "/production/a"})


def test_volumes_with_one_name_are_shared_by_containers_and_may_have_other_paths() -> None:
    assert configured(
        volumes(spool={"path": "/var/spool/pay"}, tmp={"path": "/tmp", "memory_mib": 8}),
        containers(
            proxy=container(volumes={"spool": {"path": "/out"}, "tmp": {"path": "/tmp", "memory_mib": 4}}, memory=64)
        ),
        (f"{SERVICE}/audited_exec", True),
        (f"{SERVICE}/secret_keys", []),
    )
