"""Secrets in values that CloudFormation reports are masked, wherever they are in a value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd_templates.template.changes.masking import MASKED_VALUE, mask

TASK, PATH = "AWS::ECS::TaskDefinition", "/ContainerDefinitions/0"
ACCESS_KEY = "AKIA" + "Q" * 16


@pytest.mark.parametrize(
    ("path", "value", "shown"),
    [
        ("/Environment/Variables/DB_PASSWORD", "x", MASKED_VALUE),
        ("/Environment/Variables/DB_PASSWORD", "", ""),
        ("/Description", ACCESS_KEY, MASKED_VALUE),
        ("/Command/0", "postgres://ledger:Xk29-fjw0@db/ledger", MASKED_VALUE),
        ("/SecretArn", "arn:aws:s3:::x", "arn:aws:s3:::x"),
        ("/Cpu", "256", "256"),
        ("/Cpu", '"256"', '"256"'),
        ("/Deep", "[" * 100_000, "[" * 100_000),
    ],
)  # fmt: skip
def test_a_text_is_masked_if_its_path_or_its_form_shows_a_secret(path: str, value: str, shown: str) -> None:
    assert mask(TASK, path, value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"API_KEY": "x", "LEVEL": "info"}, {"API_KEY": MASKED_VALUE, "LEVEL": "info"}),
        ([{"Name": "TOKEN", "Value": "x"}], [{"Name": "TOKEN", "Value": MASKED_VALUE}]),
        ([{"key": "password", "value": 7}], [{"key": "password", "value": MASKED_VALUE}]),
        ([{"Name": "TOKEN", "ValueFrom": "arn:a"}], [{"Name": "TOKEN", "ValueFrom": "arn:a"}]),
        ({"Command": ["run", ACCESS_KEY]}, {"Command": ["run", MASKED_VALUE]}),
        ({"Passwords": {"a": "b"}, "Token": None}, {"Passwords": {"a": "b"}, "Token": None}),
    ],
)  # fmt: skip
def test_secrets_inside_json_are_masked_one_by_one(value: Any, shown: Any) -> None:
    assert json.loads(mask(TASK, PATH, json.dumps(value))) == shown


def test_all_properties_of_a_secret_are_masked() -> None:
    assert mask("AWS::SecretsManager::Secret", "/Description", "of the ledger") == MASKED_VALUE


INNER = st.recursive(
    st.none() | st.booleans() | st.integers() | st.from_regex(r"[a-z]{0,8}", fullmatch=True),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["Cpu", "Image", "Name"]), inner),
    max_leaves=12,
)


@given(INNER, st.sampled_from(["Password", "ApiKey", "PRIVATE_KEY", "SessionToken"]))
def test_a_named_secret_never_appears_at_any_depth_and_the_rest_is_unchanged(inner: Any, name: str) -> None:
    plain = json.dumps([inner])
    secret = json.dumps([inner, {"Deep": [{name: "Vb7!kQ2p"}]}])

    assert mask(TASK, PATH, plain) == plain
    assert "Vb7!kQ2p" not in mask(TASK, PATH, secret)
    assert json.loads(mask(TASK, PATH, secret))[0] == inner
