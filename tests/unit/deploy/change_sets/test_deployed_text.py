"""The comparison of a template with the answer of GetTemplate: it finds real changes, and ignores AWS's distortions."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd_templates.deploy.change_sets.deployed_text import has_same_effect, is_template_of, restored
from cicd_templates.template import cloudformation_yaml
from cicd_templates.template.returned_text import as_returned
from cicd_templates.template.stack_template import StackTemplate
from tests.fakes.rendered_stacks import rendered

# As an issue of AWS's roadmap reports it: one question mark for each character, whatever its bytes are.
RECORDED = [
    ("DisplayName: Hello\u3053\u3093\u306b\u3061\u306f\u263a", "DisplayName: Hello??????"),
    ("DisplayName: \u8acb\u4ea4\u6708\u5831", "DisplayName: ????"),
    ("Description: \u043f\u0440\u0438\u0432\u0435\u0442 \u00f6\u00e4\u00fc\u00df", "Description: ?????? ????"),
    ("Description: a \u2014 b", "Description: a ? b"),
]
TEXT = """# Erklärung
Description: Schlüssel für alles
Metadata:
  Owner: Zoë
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties:
      DisplayName: Zahlungen, außen?
"""


def stack_of(text: str) -> StackTemplate:
    return replace(rendered("keys"), text=text, content=cloudformation_yaml.load(text))


STACK = stack_of(TEXT)


@pytest.mark.parametrize(("sent", "returned"), RECORDED)
def test_a_text_comes_back_as_was_seen(sent: str, returned: str) -> None:
    assert as_returned(sent) == returned


@pytest.mark.parametrize(
    ("body", "same"),
    [
        (TEXT, True),
        (as_returned(TEXT), True),
        (as_returned(TEXT).strip(), True),
        (as_returned(TEXT).replace("SNS", "SQS"), False),
        (as_returned(TEXT).replace("au?en?", "au?en!"), False),
        (json.loads(json.dumps(STACK.content)), True),
        (json.loads(as_returned(json.dumps(STACK.content, ensure_ascii=False))), True),
        ({**STACK.content, "Outputs": {}}, False),
        ([], False),
    ],
    ids=[
        "as sent",
        "distorted",
        "stripped",
        "another type",
        "another mark",
        "JSON",
        "distorted JSON",
        "more",
        "a list",
    ],
)
def test_a_distorted_text_is_the_text_and_a_changed_one_is_not(body: Any, same: bool) -> None:
    assert is_template_of(STACK, body) == same


@pytest.mark.parametrize(
    ("before", "same"),
    [
        (TEXT, True),
        (as_returned(TEXT.replace("Erklärung", "another comment")), True),
        (as_returned(TEXT.replace("Schlüssel für alles", "Keys")), True),
        (as_returned(TEXT.replace("Owner: Zoë", "Owner: Max")), True),
        (f"AWSTemplateFormatVersion: '2010-09-09'\n{as_returned(TEXT)}", True),
        (as_returned(TEXT.replace("Zahlungen", "Payments")), False),
        (as_returned(TEXT) + "Outputs:\n  A:\n    Value: b\n", False),
        (as_returned(TEXT) + "Conditions:\n  A: !Equals [a, b]\n", False),
        ("Resources: [", False),
        ("only words", False),
        ({"Resources": STACK.content["Resources"]}, True),
        ({"Resources": {}}, False),
    ],
    ids=[
        "the same",
        "a comment",
        "the description",
        "metadata",
        "the format",
        "a property",
        "an output",
        "a condition",
        "no YAML",
        "no template",
        "JSON",
        "other JSON",
    ],
)
def test_what_cloudformation_does_not_update_by_itself_has_the_same_effect(before: Any, same: bool) -> None:
    assert has_same_effect(STACK, before) == same


VALUES = st.recursive(
    st.text(max_size=5) | st.integers() | st.booleans(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text("aä?", max_size=2), values, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_what_is_distorted_is_restored(value: Any) -> None:
    distorted = json.loads(as_returned(json.dumps(value, ensure_ascii=False)))
    # Names that AWS makes equal cannot be told apart any more; a template has no such names.
    if distorted == json.loads(json.dumps(distorted)) and _distinct(value):
        assert restored(distorted, value) == value


def _distinct(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_distinct, value))
    if isinstance(value, dict):
        return len({as_returned(name) for name in value}) == len(value) and all(map(_distinct, value.values()))
    return True


RETURNED = st.recursive(
    st.text("a?", max_size=3) | st.integers(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text("a?", max_size=2), values, max_size=3),
    max_leaves=8,
)


@given(RETURNED, VALUES)
def test_nothing_but_a_distorted_text_is_restored(returned: Any, other: Any) -> None:
    result = restored(returned, other)

    assert json.loads(as_returned(json.dumps(result, ensure_ascii=False))) == returned
