"""Routes: every service must be reachable, and the tests of a service must reach that service."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import configured
from tests.unit.config.problems import problems_of

CHECKS = {"checks": {"bandit": {"preset": "bandit"}}}
SHOP = "services/parcel-dispatcher"


def problems(*edits: tuple[str, Any], **services: dict[str, Any]) -> list[str]:
    added = [(f"services/{name}", {**CHECKS, **settings}) for name, settings in services.items()]
    return problems_of(*added, *edits)


@pytest.mark.parametrize(
    ("services", "edits", "expected"),
    [
        pytest.param(
            {"till": {}},
            [],
            "parcel-dispatcher.path_pattern: /* of parcel-dispatcher is never reached, because /* of till receives all"
            ' its requests; give each service a path of its own, such as "/parcel-dispatcher/*"',
            id="two services on one path",
        ),
        pytest.param(
            {"till": {"path_pattern": "/till/*", "priority": 200}},
            [],
            "till.path_pattern: /till/* of till is never reached, because /* of parcel-dispatcher receives all its"
            " requests at priority 100; give till a priority below 100, or leave out both priorities",
            id="behind everything",
        ),
        pytest.param(
            {"till": {"path_pattern": "/till/*", "priority": 9}},
            [(f"{SHOP}/priority", 9)],
            "till.priority: 9 is already the priority of parcel-dispatcher; give each service its own",
            id="one number twice",
        ),
        pytest.param(
            {"till": {"path_pattern": "/till/*", "hooks": ["smoke"], "rollout": "canary", "probes": {"/health": 200}}},
            [],
            "till.probes./health: parcel-dispatcher answers requests for /health, so the smoke hook would not"
            " test till; in the key probes, write only paths that match /till/*",
            id="a hook that asks the neighbour",
        ),
        pytest.param(
            {"till": {"path_pattern": "/v?/till/*"}},
            [],
            "till.path_pattern: parcel-dispatcher answers requests for /, the address at which smoke tests reach till;"
            ' begin the pattern with a folder that no other service has, such as "/till/*"',
            id="an address of the neighbour",
        ),
        pytest.param(
            {"till": {"path_pattern": "/v?/till/*"}},
            [(f"{SHOP}/path_pattern", "/pay/*")],
            "till.path_pattern: the load balancer itself answers requests for /, the address at which smoke tests",
            id="an address of nobody",
        ),
        pytest.param(
            {
                "till": {"path_pattern": "/till/*/slip", "priority": 4},
                "card": {"path_pattern": "/till/*", "priority": 5},
            },
            [],
            "till.path_pattern: card answers requests for /till/, the address at which smoke tests reach till; begin",
            id="a part of the neighbour's folder",
        ),
    ],
)
def test_a_route_that_does_not_lead_to_its_service_is_refused_with_both_names(
    services: dict[str, dict[str, Any]], edits: list[tuple[str, Any]], expected: str
) -> None:
    found = problems(*edits, **services)

    assert any(problem.startswith(f"services.{expected}") for problem in found), found


@pytest.mark.parametrize(
    "services",
    [
        {"till": {"path_pattern": "/till/*"}, "card": {"path_pattern": "/card/*"}},
        {"till": {"path_pattern": "/till/*", "priority": 4}, "card": {"path_pattern": "/till*", "priority": 5}},
        {"till": {"path_pattern": "/till/*", "hooks": ["smoke"], "rollout": "canary", "rollback_on_alarm": True}},
        {"till": {"path_pattern": "/till*"}, "till-admin": {"path_pattern": "/till/admin/*"}},
    ],
    ids=["folders", "decided order", "hook", "nested"],
)
def test_services_with_routes_of_their_own_are_accepted(services: dict[str, dict[str, Any]]) -> None:
    configuration = configured(*[(f"services/{name}", {**CHECKS, **settings}) for name, settings in services.items()])

    assert len(configuration.environments[1].services) == 1 + len(services)
