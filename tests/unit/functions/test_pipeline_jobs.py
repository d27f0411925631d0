"""A build cannot add or replace a parameter of a function: only the expected names are accepted, once each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from cicd_templates.functions import approval_check, deployed_release, review, sign
from cicd_templates.functions.pipeline_jobs import read_parameters
from cicd_templates.functions.scan_gate import handler as gate
from cicd_templates.template import cloudformation_yaml
from tests.conftest import ROOT

# The first word of an action of the rendered pipelines, and the names that its function accepts.
ACCEPTED = {
    "Gate": (gate.REQUIRED, frozenset()),
    "Sign": (sign.REQUIRED, frozenset()),
    "Review": (review.REQUIRED, review.OPTIONAL),
    "Attest": (deployed_release.DEPLOYED, deployed_release.REVIEWED),
    "Check": (approval_check.REQUIRED, approval_check.OPTIONAL),
}


def job(text: str) -> dict[str, Any]:
    return {"data": {"actionConfiguration": {"configuration": {"UserParameters": text}}}}


def pasted(value: str) -> str:
    """Return the text after CodePipeline has inserted the variable of a build."""
    return json.dumps({"execution": "e-1", "image": "#{Image.URI}"}).replace("#{Image.URI}", value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ('r@sha256:0","KeyArn":"/other/KeyArn', "must be ['execution', 'image'], not ['KeyArn', 'execution', 'image']"),
        ('r","image":"other', "the user parameters ['image'] occur twice"),
        ('r","execution":"e-0","image":"other', "the user parameters ['execution', 'image'] occur twice"),
        ('r","reviewed":{"a":"1","a":"2"},"x":"', "the user parameters ['a'] occur twice"),
        ('r","reviewed":["1"],"y":"', "not ['execution', 'image', 'reviewed', 'y']"),
    ],
)
def test_a_value_that_ends_with_other_parameters_is_refused(value: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        read_parameters(job(pasted(value)), {"execution", "image"}, {"reviewed"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"execution": "e-1"}', "must be ['execution', 'image'], not ['execution']"),
        ("[]", "not list"),
        ('"execution"', "not str"),
        ('{"execution": "e-1", "image": 7, "reviewed": null}', "the user parameters ['image', 'reviewed'] are not"),
    ],
)
def test_parameters_that_are_missing_or_no_strings_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        read_parameters(job(text), {"execution", "image"}, {"reviewed"})


@pytest.mark.parametrize("more", [{}, {"reviewed": "0"}])
def test_the_expected_parameters_are_returned(more: dict[str, str]) -> None:
    expected = {"execution": "e-1", "image": 'quoted "properly"', **more}

    assert read_parameters(job(json.dumps(expected)), {"execution", "image"}, {"reviewed"}) == expected


def rendered() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the name of each action of the rendered pipelines that has user parameters, and these parameters."""
    for path in sorted((ROOT / "out/tools").glob("pipeline-*.yaml")):
        for resource in cloudformation_yaml.load(path.read_text(encoding="utf-8"))["Resources"].values():
            for stage in resource.get("Properties", {}).get("Stages", ()):
                for action in stage["Actions"]:
                    text = action["Configuration"].get("UserParameters")
                    if text:
                        yield action["Name"], json.loads(text if isinstance(text, str) else text["Fn::Sub"])


def test_each_function_accepts_what_the_rendered_pipelines_pass() -> None:
    actions = list(rendered())
    wrong = []
    for action, parameters in actions:
        (word,) = [word for word in ACCEPTED if action.startswith(word)]
        required, optional = ACCEPTED[word]
        wrong += [] if required <= parameters.keys() <= required | optional else [action]

    assert wrong == []
    assert {word for word in ACCEPTED for action, _ in actions if action.startswith(word)} == ACCEPTED.keys()
