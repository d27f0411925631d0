"""Networks: ranges that overlap, zones of other regions, and load balancers without a usable certificate."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import environment
from tests.unit.config.problems import AUTHORITY, CERTIFICATE, STAGING, problems_of

PROVIDED = {
    "network.VpcId": "vpc-0123456789abcdef0",
    "network.PublicSubnetIds": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
    "network.PrivateSubnetIds": "subnet-0123456789abcdef2,subnet-0123456789abcdef3",
}


def test_an_existing_network_needs_neither_a_range_nor_zones() -> None:
    edits = ((f"{STAGING}/cidr", ...), (f"{STAGING}/zones", ...), (f"{STAGING}/provided", PROVIDED))
    staging = environment("staging", *edits)

    assert staging.network_is_provided
    with pytest.raises(LookupError, match="staging has no cidr"):
        _ = staging.network


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param(
            [(f"{STAGING}/cidr", "10.40.0.0/16"), ("environments/production/cidr", "10.40.128.0/17")],
            "environments.production.cidr: 10.40.128.0/17 overlaps 10.40.0.0/16 of staging",
            id="overlapping networks",
        ),
        pytest.param(
            [(f"{STAGING}/nat", "none")],
            'environments.staging.endpoints: with nat = "none", tasks cannot reach ECR and CloudWatch Logs, so they'
            ' cannot start; set endpoints = "all", or nat = "single"',
            id="no way to pull an image",
        ),
        pytest.param([(f"{STAGING}/cidr", ...)], "environments.staging.cidr: missing; a runtime", id="no range"),
        pytest.param(
            [(f"{STAGING}/cidr", ...), (f"{STAGING}/endpoints", "all"), (f"{STAGING}/provided", PROVIDED)],
            'environments.staging.cidr: missing; with endpoints = "all", the security groups of tasks need this range',
            id="endpoints of an existing network without a range",
        ),
        pytest.param(
            [(f"{STAGING}/zones", ...), (f"{STAGING}/nat", "per-zone"), (f"{STAGING}/provided", PROVIDED)],
            "environments.staging.zones: a load balancer needs at least two",
            id="a gateway for each zone of an existing network without zones",
        ),
        pytest.param(
            [(f"{STAGING}/zones", ["eu-west-1a"]), (f"{STAGING}/provided", PROVIDED)],
            "environments.staging.zones[0]: eu-west-1a is not a zone of eu-central-1",
            id="an existing network in a zone of another region",
        ),
        pytest.param(
            [(f"{STAGING}/zones", ["eu-central-1a", "eu-west-1b"])],
            "environments.staging.zones[1]: eu-west-1b is not a zone of eu-central-1",
            id="zone of another region",
        ),
        pytest.param(
            [(f"{STAGING}/zones", ["eu-central-1a", "eu-central-1a"])],
            "environments.staging.zones[1]: eu-central-1a is already listed",
            id="zone twice",
        ),
        pytest.param(
            [(f"{STAGING}/zones", ["eu-central-1a"])],
            "environments.staging.zones: a load balancer needs at least two",
            id="one zone",
        ),
        pytest.param(
            [("environments/production/allow_http", True)],
            "environments.production.allow_http: a protected environment serves only TLS",
            id="plain HTTP in production",
        ),
        pytest.param(
            [(f"{STAGING}/allow_http", True)],
            "environments.staging.allow_http: contradicts certificate_arn",
            id="both transports",
        ),
        pytest.param(
            [(f"{STAGING}/certificate_arn", ...), (f"{STAGING}/certificate_authority", AUTHORITY)],
            "environments.staging.certificate_authority: has no effect without certificate_arn; add certificate_arn",
            id="authority of no certificate",
        ),
        pytest.param(
            [(f"{STAGING}/certificate_arn", ...)],
            "environments.staging.certificate_arn: missing; set the ARN of an ACM certificate in eu-central-1, or"
            " set allow_http",
            id="no certificate",
        ),
        pytest.param(
            [("environments/production/certificate_arn", ...)],
            "environments.production.certificate_arn: missing; set the ARN of an ACM certificate in eu-central-1",
            id="no certificate in production",
        ),
        pytest.param(
            [(f"{STAGING}/certificate_arn", CERTIFICATE.replace("222222222222", "333333333333"))],
            "environments.staging.certificate_arn: belongs to account 333333333333 in eu-central-1; a load balancer"
            " accepts only a certificate of its own account and region, 222222222222 in eu-central-1",
            id="certificate of another account",
        ),
        pytest.param(
            [(f"{STAGING}/certificate_arn", CERTIFICATE.replace("eu-central-1", "us-east-1"))],
            "environments.staging.certificate_arn: belongs to account 222222222222 in us-east-1; a load balancer",
            id="certificate of another region",
        ),
    ],
)
def test_a_network_that_cannot_work_is_refused_by_its_key(edits: list[tuple[str, Any]], expected: str) -> None:
    problems = problems_of(*edits)

    assert [problem for problem in problems if expected in problem], problems


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param(
            [(f"{STAGING}/domain", ...)],
            "environments.staging.domain: missing; set the host name that certificate_arn is for",
            id="certificate without a host",
        ),
    ],
)
def test_a_missing_key_of_a_network_is_the_only_problem(edits: list[tuple[str, Any]], expected: str) -> None:
    problems = problems_of(*edits)

    assert len(problems) == 1, problems
    assert problems[0].startswith(expected)
