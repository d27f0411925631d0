"""Patches are applied last, shown on every page, and never silently without effect."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from cicd_templates.config.tables.patch import PatchTable
from cicd_templates.errors import ConfigurationError
from cicd_templates.render.patching import apply_patches
from cicd_templates.render.render import RenderedStack, render
from cicd_templates.template import cloudformation_yaml
from templates import LAYERS
from tests.conftest import configured

WHY = "a policy of our organisation asks for it"


def rendered(stack: str, entries: dict[str, Any]) -> RenderedStack:
    configuration = configured(("environments/staging/patch", {stack: entries}))
    (found,) = [each for each in render(configuration, LAYERS, "yaml") if each.path == f"staging/{stack}.yaml"]
    return found


def test_a_patch_is_in_the_file_its_header_its_metadata_and_above_its_resource() -> None:
    path = "Resources.Key.Properties.PendingWindowInDays"
    stack = rendered("keys", {path: {"value": 14, "because": WHY}})
    template = cloudformation_yaml.load(stack.text)

    assert template["Resources"]["Key"]["Properties"]["PendingWindowInDays"] == 14
    assert template["Metadata"]["CicdTemplates"]["Patches"] == {path: WHY}
    assert f"# patched        {path}" in stack.text
    assert f"  # Why: Patched: PendingWindowInDays, because {WHY}" in stack.text
    assert stack.template.resources["Key"]["Properties"]["PendingWindowInDays"] == 14


def test_the_keys_that_a_patch_sets_are_in_the_order_that_a_reader_expects() -> None:
    statement = {"Resource": "*", "Action": "kms:*", "Principal": "*", "Effect": "Allow", "Sid": "Own"}
    policy = {"Statement": [statement], "Version": "2012-10-17"}
    stack = rendered("keys", {"Resources.Key.Properties.KeyPolicy": {"value": policy, "because": WHY}})

    patched = cloudformation_yaml.load(stack.text)["Resources"]["Key"]["Properties"]["KeyPolicy"]
    assert list(patched) == ["Version", "Statement"]
    assert list(patched["Statement"][0]) == ["Sid", "Effect", "Principal", "Action", "Resource"]


TEMPLATE: dict[str, Any] = {
    "Parameters": {"P": {"Default": "a"}},
    "Resources": {
        "R": {
            "Properties": {
                "Size": 1,
                "List": ["a", "b"],
                "Statement": [{"Sid": "One", "Action": ["x"]}, {"Sid": "Two"}],
            }
        }
    },
}


@pytest.mark.parametrize(
    ("path", "value", "add", "at"),
    [
        pytest.param(
            "Resources.R.Properties.Size", 2, False, lambda t: t["Resources"]["R"]["Properties"]["Size"], id="key"
        ),
        pytest.param(
            "Resources.R.Properties.List.1",
            "c",
            False,
            lambda t: t["Resources"]["R"]["Properties"]["List"][1],
            id="number",
        ),
        pytest.param(
            "Resources.R.Properties.Statement.Two",
            {"Sid": "Three"},
            False,
            lambda t: t["Resources"]["R"]["Properties"]["Statement"][1],
            id="name in a list",
        ),
        pytest.param(
            "Resources.R.Properties.Statement.One.Action",
            ["y"],
            False,
            lambda t: t["Resources"]["R"]["Properties"]["Statement"][0]["Action"],
            id="through a name",
        ),
        pytest.param(
            "Resources.R.Properties.New", 3, True, lambda t: t["Resources"]["R"]["Properties"]["New"], id="added"
        ),
        pytest.param("Parameters.P.Default", "b", False, lambda t: t["Parameters"]["P"]["Default"], id="parameter"),
    ],
)
def test_a_path_leads_by_keys_names_and_numbers(path: str, value: Any, add: bool, at: Any) -> None:
    import copy

    template = copy.deepcopy(TEMPLATE)
    apply_patches(template, {path: PatchTable(value=value, because=WHY, add=add)}, "at")

    assert at(template) == value


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("Resources.Kee.Properties.A", "Resources has no 'Kee'; did you mean Key?"),
        ("Resources.Key.Properties.Nothing", "Resources.Key.Properties has no 'Nothing'; known names: "),
        ("Resources.Key.Type.Deeper", "Resources.Key.Type has no 'Deeper'; known names: none"),
        ("Outputs.KeyArn.Value.Ref", "Outputs.KeyArn.Value has no 'Ref'"),
        ("Resources.Key.Properties.KeyPolicy.Statement.LetNobody", "Statement has no 'LetNobody'"),
    ],
)
def test_a_path_that_matches_nothing_is_an_error_with_its_place_in_the_file(path: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        rendered("keys", {path: {"value": 1, "because": WHY}})

    assert f'environments.staging.patch."keys"."{path}": matches nothing; ' in str(raised.value)
    assert message in str(raised.value)
    assert raised.value.exit_code == 2


def test_a_patch_for_no_stack_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match=r'patch\."netwrk": matches no stack here; did you mean network\?'):
        rendered("netwrk", {"Resources.Vpc.Properties.CidrBlock": {"value": "10.0.0.0/16", "because": WHY}})


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (
            {"Resources.A.B": {"value": 1}},
            "patch.keys.Resources.A.B.because: missing; this key is required: Reason for the reviewer",
        ),
        (
            {"Resources.A.B": {"value": 1, "because": "so"}},
            "'so' is not allowed; explain why in at least ten characters",
        ),
        (
            {"Resources.A.B": {"value": 1, "because": WHY, "reason": 1}},
            "reason: unknown key; known keys are value, because, add",
        ),
        (
            {"Metadata.CicdTemplates.Stack": {"value": 1, "because": WHY}},
            "is not allowed; write a path in quotes, such as",
        ),
        ({"Resources": {"A": {"B": {"value": 1}}}}, "'Resources' is not allowed; write a path in quotes"),
    ],
)
def test_a_patch_has_a_reason_and_a_quoted_path(entries: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        rendered("keys", entries)

    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("2012-10-17", 'value: 2012-10-17 is a date or time; write it in quotes: "2012-10-17"'),
        ("23:59:59.5", "value: 23:59:59.500000 is a date or time"),
        (
            "2026-01-02T03:04:05+01:00",
            'value: 2026-01-02T03:04:05+01:00 is a date or time; write it in quotes: "2026-01-02T03:04:05+01:00"',
        ),
        (
            "{ Statement = [{ Sid = 'A' }, { When = [2026-01-02] }] }",
            "value: Statement[1].When[0]: 2026-01-02 is a date",
        ),
        ("inf", "value: inf is not a number that a template can contain; write a finite number or a string"),
        ("[1.5, -nan]", "value: [1]: nan is not a number that a template can contain"),
    ],
)
def test_a_value_that_no_template_can_have_is_refused_with_its_path(value: str, message: str) -> None:
    entry = tomllib.loads(f"value = {value}\nbecause = 'the auditors want it'")

    with pytest.raises(ConfigurationError) as raised:
        rendered("keys", {"Resources.Key.Properties.KeyPolicy.Version": entry})

    assert f"environments.staging.patch.keys.Resources.Key.Properties.KeyPolicy.Version.{message}" in str(raised.value)
    assert raised.value.exit_code == 2
