"""The secret of a database cluster on the local AWS."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.local.database_clusters import CLUSTER, SECRET, register


def answered(operation: str, *args: Any) -> dict[str, str]:
    def original(*args: Any, **kwargs: Any) -> tuple[str, dict[str, str]]:
        return "rates", {"DBClusterResourceId": "cluster-ABC"}

    handlers: dict[str, dict[str, Any]] = {CLUSTER: {"create": original, "update": original}}
    register(handlers, lambda: "222222222222", lambda: "eu-central-1")
    physical_id, attributes = handlers[CLUSTER][operation](*args)
    assert physical_id == "rates"
    found: dict[str, str] = attributes
    return found


@pytest.mark.parametrize("managed", [True, "true"])
def test_a_cluster_names_one_secret_for_its_whole_life(managed: bool | str) -> None:
    properties = {"ManageMasterUserPassword": managed}
    created = answered("create", "Cluster", properties, "stack")
    updated = answered("update", "rates", {}, properties, "stack")

    assert created == updated
    assert created[SECRET].startswith("arn:aws:secretsmanager:eu-central-1:222222222222:secret:rds!cluster-")


def test_a_cluster_with_a_password_of_its_own_has_no_such_secret() -> None:
    assert SECRET not in answered("create", "Cluster", {"MasterUserPassword": "x"}, "stack")


def test_the_secrets_of_the_clusters_are_known_with_their_keys() -> None:
    def original(*args: Any, **kwargs: Any) -> tuple[str, dict[str, str]]:
        return "rates", {"DBClusterResourceId": args[0]}

    handlers: dict[str, dict[str, Any]] = {CLUSTER: {"create": original, "update": original}}
    secrets = register(handlers, lambda: "222222222222", lambda: "eu-central-1")
    create = handlers[CLUSTER]["create"]
    _, attributes = create("cluster-A", {"ManageMasterUserPassword": True, "MasterUserSecret": {"KmsKeyId": "key"}})
    create("cluster-B", {"ManageMasterUserPassword": True})
    create("cluster-C", {})

    assert {name: secret.key for name, secret in secrets.items()} == {"cluster-A": "key", "cluster-B": ""}
    assert secrets["cluster-A"].arn == attributes[SECRET]
