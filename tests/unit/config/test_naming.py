"""Names: always within AWS's limits, never equal for two things, and readable if they fit."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd_templates.config import naming
from cicd_templates.template.resource_types.registry import RESOURCE_TYPES
from tests.conftest import environment

LIMITS = {name: facts.name_limit for name, facts in RESOURCE_TYPES.items() if facts.name_limit is not None}

words = st.from_regex(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", fullmatch=True)


@pytest.mark.parametrize(
    ("resource_type", "expected"),
    [
        ("AWS::IAM::Role", "shipping-staging-task"),
        ("AWS::S3::Bucket", "shipping-staging-task-222222222222-eu-central-1"),
        ("AWS::ElasticLoadBalancingV2::LoadBalancer", "shipping-staging-task"),
    ],
)
def test_a_name_that_fits_says_project_environment_and_purpose(resource_type: str, expected: str) -> None:
    assert naming.physical_name(environment(), resource_type, "task") == expected


def test_a_copy_has_its_suffix_in_every_kind_of_name() -> None:
    copy = environment(suffix="pr4918")

    assert naming.physical_name(copy, "AWS::IAM::Role", "task") == "shipping-staging-pr4918-task"
    assert naming.stack_name(copy, "scan_gate") == "shipping-staging-pr4918-scan-gate"
    assert naming.parameter_path(copy, "network", "VpcId") == "/shipping/staging-pr4918/network/VpcId"
    assert naming.log_group_name(copy, "flow-log") == "/shipping/staging-pr4918/flow-log"


def test_a_service_stands_behind_its_layer() -> None:
    assert naming.stack_name(environment(), "service", "ledger") == "shipping-staging-service-ledger"
    assert naming.parameter_path(environment(), "service", "Url", "ledger") == "/shipping/staging/service-ledger/Url"


@given(st.sampled_from(sorted(LIMITS)), st.lists(words, min_size=1, max_size=4))
def test_no_name_is_longer_than_its_type_allows(resource_type: str, parts: list[str]) -> None:
    name = naming.physical_name(environment(suffix="pr4918"), resource_type, *parts)

    assert len(name) <= LIMITS[resource_type]
    assert re.fullmatch(r"[a-z][a-z0-9-]*[a-z0-9]", name)
    assert "--" not in name


@given(words, words)
def test_two_purposes_never_share_a_name(one: str, other: str) -> None:
    names = {
        naming.physical_name(environment(), "AWS::ElasticLoadBalancingV2::TargetGroup", word) for word in (one, other)
    }

    assert len(names) == len({one, other})


@pytest.mark.parametrize("word", ["Upper", "under_score", "space here", "end-", ""])
def test_a_word_outside_the_alphabet_is_a_mistake_of_the_layer(word: str) -> None:
    with pytest.raises(ValueError, match="lower-case"):
        naming.physical_name(environment(), "AWS::IAM::Role", word)


def test_a_type_without_a_known_limit_is_a_mistake_of_the_layer() -> None:
    with pytest.raises(ValueError, match="the name limit of AWS::Unknown::Type is unknown"):
        naming.physical_name(environment(), "AWS::Unknown::Type", "x")
