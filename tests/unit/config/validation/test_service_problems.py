"""Services: sizes, images, variables and rules that AWS refuses or never starts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import environment
from tests.unit.config.problems import SERVICE, STAGING, problems_of

FOREIGN_SECRET = "arn:aws-cn:secretsmanager:cn-north-1:222222222222:secret:db-Ab12Cd:password::"
KEY = "arn:aws:kms:eu-central-1:222222222222:key/1a-2b"
OWN = f"222222222222.dkr.ecr.eu-central-1.amazonaws.com/x@sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param(
            [(f"{SERVICE}/secret_keys", [KEY])],
            "services.parcel-dispatcher.secret_keys: the service uses no existing secret",
            id="key of no secret",
        ),
        pytest.param(
            [(f"{SERVICE}/secrets", {"A": "own"}), (f"{SERVICE}/secret_keys", [KEY])],
            "services.parcel-dispatcher.secret_keys: the service uses no existing secret",
            id="key beside secrets of our own",
        ),
        pytest.param(
            [(f"{SERVICE}/secrets", {"A": "/a"}), (f"{SERVICE}/secret_keys", [KEY.replace("eu-central", "us-east")])],
            "us-east-1:222222222222:key/1a-2b is a key of us-east-1 in the partition aws, but the secrets of a task in"
            " eu-central-1 are encrypted",
            id="key of another region",
        ),
        pytest.param(
            [(f"{SERVICE}/secrets", {"A": "/a"}), (f"{SERVICE}/secret_keys", [KEY.replace("aws:", "aws-cn:")])],
            "is a key of eu-central-1 in the partition aws-cn",
            id="key of another partition",
        ),
        pytest.param(
            [(f"{SERVICE}/secrets", {"A": "/a", "B": FOREIGN_SECRET})],
            f"services.parcel-dispatcher.secrets.B: {FOREIGN_SECRET} is in the partition aws-cn, but eu-central-1 is in"
            " aws; name a secret that a task in eu-central-1 can read",
            id="secret of another partition",
        ),
        pytest.param(
            [(f"{SERVICE}/containers", {"proxy": {"image": OWN, "secrets": {"B": FOREIGN_SECRET}}})],
            "services.parcel-dispatcher.containers.proxy.secrets.B: arn:aws-cn:secretsmanager:",
            id="secret of another partition for a further container",
        ),
        pytest.param(
            [(f"{SERVICE}/secret_keys", [KEY.replace("key/1a-2b", "alias/database")])],
            "write the ARN of a key, such as",
            id="alias of a key",
        ),
        pytest.param(
            [(f"{STAGING}/nat", "none")],
            "environments.staging.services.parcel-dispatcher.image: a public image cannot be pulled",
            id="public image without a way to pull it",
        ),
        pytest.param(
            [(f"{STAGING}/nat", "none"), (f"{SERVICE}/image", OWN.replace("eu-central-1", "us-east-1"))],
            'an image in us-east-1 cannot be pulled with nat = "none", so the service would never become stable; set'
            ' nat = "single", or use an image in a private ECR registry of eu-central-1',
            id="image of another region without a way to pull it",
        ),
        pytest.param(
            [(f"{STAGING}/services/parcel-dispatcher/egress", {"10.0.0.0/8": [443, 5432]})],
            "environments.staging.services.parcel-dispatcher.egress: tasks cannot pull images, because egress does not"
            ' allow port 443 of S3; add "0.0.0.0/0" = [443], or the public ranges of S3 in eu-central-1',
            id="no way to the layers of an image",
        ),
        pytest.param(
            [(f"{SERVICE}/egress", {"0.0.0.0/0": [5432]})],
            "services.parcel-dispatcher.egress: tasks cannot pull images, because egress does not allow port 443",
            id="everywhere but not on 443",
        ),
        pytest.param(
            [(f"{SERVICE}/egress", {})],
            "services.parcel-dispatcher.egress: tasks cannot pull images, because egress does not allow port 443",
            id="nowhere",
        ),
        pytest.param(
            [(f"{SERVICE}/memory", 4096)],
            "services.parcel-dispatcher.memory: Fargate does not offer 4096 MiB with cpu = 256; use 512, 1024",
            id="size that Fargate has not",
        ),
        pytest.param(
            [("environments/production/services/parcel-dispatcher/memory", 512)],
            "Fargate does not offer 512 MiB with cpu = 512; use 1024 to 4096 in steps of 1024",
            id="size out of Fargate's range",
        ),
        pytest.param(
            [("services/other", {"path_pattern": "/other/*", "priority": 100}), (f"{SERVICE}/priority", 100)],
            "services.other.priority: 100 is already the priority of parcel-dispatcher",
            id="two services with one priority",
        ),
        pytest.param(
            [("environments/production/services/parcel-dispatcher/architecture", "arm64")],
            "environments.production.services.parcel-dispatcher.architecture: arm64 differs from x86_64 in another",
            id="two processors for one image",
        ),
        pytest.param(
            [(f"{STAGING}/services/parcel-dispatcher/hooks", ["smoke"])],
            "environments.staging.services.parcel-dispatcher.hooks: ECS runs hooks only while requests shift",
            id="rollout that cannot be meant",
        ),
        pytest.param(
            [(f"{SERVICE}/secrets", {"PORT": "port"})],
            "services.parcel-dispatcher.secrets.PORT: is already an environment variable",
            id="secret in the place of a variable",
        ),
        pytest.param(
            [
                (f"{STAGING}/nat", "none"),
                (f"{STAGING}/services/parcel-dispatcher/rollout", "canary"),
                (f"{STAGING}/services/parcel-dispatcher/hooks", ["smoke"]),
            ],
            "environments.staging.services.parcel-dispatcher.hooks: the smoke hook connects to the public address",
            id="smoke without a way out",
        ),
    ],
)
def test_a_service_that_cannot_work_is_refused_by_its_key(edits: list[tuple[str, Any]], expected: str) -> None:
    problems = problems_of(*edits)

    assert [problem for problem in problems if expected in problem], problems


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param(
            [(f"{STAGING}/services/parcel-dispatcher/secrets", {"PORT": "acquirer-key"})],
            "environments.staging.services.parcel-dispatcher.secrets.PORT: is already an environment variable",
            id="a variable with two values",
        ),
        pytest.param(
            [
                (f"{STAGING}/nat", "none"),
                (f"{STAGING}/endpoints", "all"),
                (f"{SERVICE}/image", OWN),
                (f"{STAGING}/services/parcel-dispatcher/hooks", ["smoke"]),
                (f"{STAGING}/services/parcel-dispatcher/rollout", "canary"),
                (f"{STAGING}/services/parcel-dispatcher/rollback_on_alarm", True),
            ],
            "environments.staging.services.parcel-dispatcher.hooks: the smoke hook connects to the public address",
            id="a smoke test without a way out",
        ),
        pytest.param(
            [(f"{STAGING}/services/parcel-dispatcher/architecture", "arm64")],
            "environments.staging.services.parcel-dispatcher.architecture: arm64 differs from x86_64",
            id="a release for two processors",
        ),
        pytest.param(
            [(f"{STAGING}/services/parcel-dispatcher/autoscaling", {"maximum": 4})],
            "environments.staging.services.parcel-dispatcher.autoscaling: has no target; add cpu_percent",
            id="autoscaling without a target",
        ),
    ],
)
def test_a_service_that_cannot_work_is_the_only_problem(edits: list[tuple[str, Any]], expected: str) -> None:
    problems = problems_of(*edits)

    assert len(problems) == 1, problems
    assert problems[0].startswith(expected)


@pytest.mark.parametrize("egress", [{"52.219.0.0/16": [443]}, {"0.0.0.0/0": [443], "10.0.0.0/8": [5432]}])
def test_tasks_that_reach_public_addresses_on_443_can_pull_their_image(egress: dict[str, list[int]]) -> None:
    (service,) = environment("staging", (f"{SERVICE}/egress", egress)).services

    assert service.settings.egress.keys() == egress.keys()


def test_a_network_that_is_provided_has_its_own_way_out() -> None:
    provided = {
        "network.VpcId": "vpc-0123456789abcdef0",
        "network.PublicSubnetIds": "subnet-0123456789abcdef0",
        "network.PrivateSubnetIds": "subnet-0123456789abcdef1",
        "network.NatRanges": "203.0.113.1/32",
    }
    edits = [(f"{STAGING}/nat", "none"), (f"{SERVICE}/image", OWN), (f"{STAGING}/provided", provided)]

    assert environment("staging", *edits).settings.endpoints == "gateway"
