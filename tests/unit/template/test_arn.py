"""ARNs are parsed as AWS defines them and written unchanged. A text that is no ARN is refused with that text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd_templates.template.arn import Arn


@pytest.mark.parametrize(
    ("text", "expected", "kind", "name"),
    [
        ("arn:aws:s3:::shipping-logs", Arn("aws", "s3", "", "", "shipping-logs"), "shipping-logs", ""),
        (
            "arn:aws-cn:kms:cn-north-1:222222222222:key/1234",
            Arn("aws-cn", "kms", "cn-north-1", "222222222222", "key/1234"),
            "key",
            "1234",
        ),
        (
            "arn:aws:logs:eu-central-1:222222222222:log-group:/shipping/x:*",
            Arn("aws", "logs", "eu-central-1", "222222222222", "log-group:/shipping/x:*"),
            "log-group",
            "/shipping/x:*",
        ),
        (
            "arn:aws:ecs:eu-central-1:222222222222:service/cluster/app",
            Arn("aws", "ecs", "eu-central-1", "222222222222", "service/cluster/app"),
            "service",
            "cluster/app",
        ),
        ("arn:aws:iam::222222222222:root", Arn("aws", "iam", "", "222222222222", "root"), "root", ""),
    ],
    ids=["S3", "another partition", "colons in the resource", "slashes in the resource", "an account"],
)
def test_an_arn_is_taken_apart_and_put_together(text: str, expected: Arn, kind: str, name: str) -> None:
    arn = Arn.parse(text)

    assert arn == expected
    assert (arn.resource_kind, arn.resource_name) == (kind, name)
    assert str(arn) == text


@pytest.mark.parametrize(
    "text", ["", "shipping", "arn:aws:s3", "urn:aws:s3:::x", "arn::s3:::x", "arn:aws::::x", "arn:aws:s3:::"]
)
def test_what_is_no_arn_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(repr(text))} is not an ARN$"):
        Arn.parse(text)


word = st.from_regex(r"[a-z0-9-]+", fullmatch=True)


@given(word, word, st.just("") | word, st.just("") | word, st.from_regex(r"[a-z0-9:/*.-]+", fullmatch=True))
def test_what_is_put_together_is_taken_apart_alike(
    partition: str, service: str, region: str, account: str, resource: str
) -> None:
    arn = Arn(partition, service, region, account, resource)

    assert Arn.parse(str(arn)) == arn
