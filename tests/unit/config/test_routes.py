"""Path patterns of the load balancer:

which paths they match, which paths they share, and in which order they are tried.
"""

from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cicd_templates.config import routes
from cicd_templates.config.environment import Service
from cicd_templates.config.tables.service import ServiceTable

PATHS = ["/" + "".join(rest) for length in range(5) for rest in product("ab/", repeat=length)]
PATTERNS = st.text(alphabet="ab/*?", max_size=4).map(lambda rest: f"/{rest}")


def service(name: str, pattern: str, priority: int | None = None) -> Service:
    return Service(name, ServiceTable(path_pattern=pattern, priority=priority))


def taken(pattern: str) -> set[str]:
    """Return the short paths that `pattern` matches, computed in another way than in the tested code."""
    expression = "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern)
    return {path for path in PATHS if re.fullmatch(expression, path)}


@given(wide=PATTERNS, narrow=PATTERNS)
@settings(max_examples=60)
def test_the_relation_of_two_patterns_holds_for_every_path(wide: str, narrow: str) -> None:
    if routes.pattern_covers(wide, narrow):
        assert taken(narrow) <= taken(wide)


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ("/*", "/ledger/*", True),
        ("/ledger/*", "/*", False),
        ("/ship*", "/shipping/*", True),
        ("/pay/*", "/pay", False),
        ("/v?/*", "/v1/cards/*", True),
        ("/v?/*", "/v10/*", False),
        ("/a/*", "/*/b", False),
        ("/**", "/*", True),
        ("/*a*", "/*ba", True),
        ("/x", "/x", True),
    ],
)
def test_a_pattern_covers_another_if_no_path_escapes_it(wide: str, narrow: str, expected: bool) -> None:
    assert routes.pattern_covers(wide, narrow) is expected


@pytest.mark.parametrize(
    ("pattern", "folder"),
    [
        ("/*", ""),
        ("/", ""),
        ("/ledger/*", "/ledger"),
        ("/ledger*", "/ledger"),
        ("/api/ledger", "/api/ledger"),
        ("/v?/ledger/*", ""),
        ("/api/v?/*", "/api"),
        ("/api/*.json", "/api"),
    ],
)
def test_the_address_of_a_service_is_the_folder_that_its_paths_share(pattern: str, folder: str) -> None:
    assert routes.base_path(pattern) == folder


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        pytest.param([("shop", "/*", None)], {"shop": 100}, id="alone"),
        pytest.param([("shop", "/*", None), ("ledger", "/ledger/*", None)], {"shop": 100, "ledger": 93}, id="two"),
        pytest.param(
            [("c", "/card/*", None), ("a", "/cart/*", None), ("b", "/*", None)],
            {"b": 100, "c": 95, "a": 94},
            id="equally exact",
        ),
        pytest.param(
            [("shop", "/*", 7), ("ledger", "/ledger/*", None), ("card", "/card/*", 93)],
            {"shop": 7, "ledger": 92, "card": 93},
            id="numbers that are said stay",
        ),
        pytest.param([("x", f"/{'x' * 120}", None), ("y", "/*", 101)], {"x": 102, "y": 101}, id="a very exact pattern"),
        pytest.param([("a", "/?", None), ("b", "/*", None)], {"b": 100, "a": 99}, id="one character"),
    ],
)
def test_the_more_exact_pattern_is_tried_first(
    patterns: list[tuple[str, str, int | None]], expected: dict[str, int]
) -> None:
    services = routes.with_priorities([service(*pattern) for pattern in patterns])

    assert {each.name: each.settings.priority for each in services} == expected
    assert [each.name for each in services] == [name for name, _, _ in patterns]
    assert [each.priority_is_derived for each in services] == [priority is None for _, _, priority in patterns]


def test_requests_go_to_the_first_pattern_that_takes_them() -> None:
    services = routes.with_priorities([service("shop", "/*"), service("ledger", "/ledger/*")])
    table = routes.Routes(services)

    assert [getattr(table.receiver(path), "name", None) for path in ("/ledger/x", "/ledger", "/")] == [
        "ledger",
        "shop",
        "shop",
    ]
    assert routes.Routes(services[1:]).receiver("/other") is None


@given(patterns=st.lists(PATTERNS, max_size=6, unique=True), path=PATTERNS)
@settings(max_examples=60)
def test_no_service_that_covers_a_pattern_is_left_out_of_the_comparison(patterns: list[str], path: str) -> None:
    table = routes.Routes([service(f"s{number}", pattern, number) for number, pattern in enumerate(patterns, 1)])
    covering = [number for number, pattern in enumerate(patterns) if routes.pattern_covers(pattern, path)]

    assert [number for number in table.perhaps_covering(path) if number in covering] == covering


@pytest.mark.parametrize(
    ("pattern", "settings", "expected"),
    [
        ("/*", {}, {"/health": 200}),
        ("/ledger/*", {}, {"/ledger/health": 200}),
        ("/ledger/*", {"health_check": {"path": "/ledger/ready"}}, {"/ledger/ready": 200}),
        ("/ledger/*", {"probes": {"/ledger/a": 404}}, {"/ledger/a": 404}),
    ],
)
def test_the_hook_requests_paths_that_the_service_gets(
    pattern: str, settings: dict[str, object], expected: dict[str, int]
) -> None:
    table = ServiceTable.model_validate({"path_pattern": pattern, **settings})

    assert routes.probed_paths(Service("ledger", table)) == expected
