"""The definition of a layer describes its module: the source and the description of its templates."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from cicd_templates.config.environment import Environment
from cicd_templates.errors import ConfigurationError
from cicd_templates.layer.definition import Layer
from cicd_templates.layer.template import LayerTemplate
from cicd_templates.layer.user_layers import with_user_layers
from cicd_templates.render.render import render
from templates import LAYERS
from tests.conftest import configured, own_package

BUILD = """
from troposphere import sqs
from cicd_templates.layer.definition import Layer
from cicd_templates.layer.template import LayerTemplate


def build(env):
    layer = LayerTemplate(env)
    layer.add(sqs.Queue("Inbox"))
    return layer


LAYER = Layer("inbox", build, kinds=frozenset({"runtime"}))
"""
PER_SERVICE = BUILD.replace("(env)", "(env, service)").replace("build, ", "build_per_service=build, ")


def render_with(
    folder: Path, monkeypatch: pytest.MonkeyPatch, beside: Sequence[Layer] = (), **modules: str
) -> dict[str, str]:
    """Return the descriptions of the user's own layers, and of those `beside` them, by path."""
    own = with_user_layers(own_package(folder, monkeypatch, **modules))[len(LAYERS) :]
    return {stack.path: stack.template.description for stack in render(configured(), [*beside, *own], "yaml")}


def test_without_docstrings_the_descriptions_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    before = [layer.description for layer in LAYERS]
    for layer in LAYERS:
        monkeypatch.setattr(sys.modules[layer.module], "__doc__", None)

    assert [layer.description for layer in LAYERS] == before
    assert all(before)


@pytest.mark.parametrize("first_line", ["", '"""A queue for shipping."""', '"""\n"""', '"""Layer `inbox`: """'])
def test_a_layer_that_does_not_describe_its_template_is_refused_with_its_file(
    first_line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        render_with(tmp_path, monkeypatch, inbox=first_line + BUILD)

    assert str(raised.value).endswith(
        "/extra/inbox.py: the first line of its docstring must have a colon and then describe the template, such as"
        ' """Layer `inbox`: a queue for payments."""'
    )


def test_a_layer_describes_its_template_after_the_first_colon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stacks = render_with(tmp_path, monkeypatch, inbox='"""Layer `inbox`: messages: in order.\n\nAnd more."""' + BUILD)

    assert stacks["staging/inbox.yaml"] == "Messages: in order"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            BUILD.replace("return layer", "return layer.template"),
            "TypeError: layer inbox: build must return a LayerTemplate",
        ),
        (
            PER_SERVICE.replace("return layer", "return None"),
            "TypeError: layer inbox: build must return a LayerTemplate",
        ),
        (BUILD.replace("return layer", "return layer.nothing"), "inbox.py:10: AttributeError: "),
        (BUILD.replace('"Inbox"', '"Inbox", Size=5'), "inbox.py:9: AttributeError: "),
        (BUILD.replace("sqs.Queue(", "sqs.QueuePolicy("), "required in type AWS::SQS::QueuePolicy"),
    ],
)
def test_a_mistake_in_a_users_own_layer_is_one_line_with_its_file(
    code: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        render_with(tmp_path, monkeypatch, inbox='"""Layer `inbox`: a queue."""' + code)

    assert expected in str(raised.value)
    assert "/extra/inbox.py" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_mistake_in_a_layer_of_the_tool_keeps_its_traceback() -> None:
    def fail(env: Environment) -> LayerTemplate:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        render(configured(), [Layer("keys", fail)], "yaml")


def test_a_layer_that_takes_the_stack_of_a_service_is_named_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = '"""Layer `inbox`: a queue."""' + BUILD

    with pytest.raises(ConfigurationError) as raised:
        render_with(
            tmp_path,
            monkeypatch,
            jobs='"""Layer `jobs`: a queue."""' + PER_SERVICE.replace('"inbox"', '"jobs"'),
            clash=own.replace('"inbox"', '"jobs_parcel_dispatcher"'),
            card=own.replace('"inbox"', '"card_queue"'),
            late=own.replace('"inbox"', '"card-queue"'),
        )

    text = str(raised.value)
    assert "shipping-staging-card-queue: staging layer card_queue and staging layer card-queue have the same" in text
    assert "shipping-staging-jobs-parcel-dispatcher: staging layer jobs_parcel_dispatcher and staging layer" in text
    assert "layer jobs of service parcel-dispatcher have the same name" in text
    assert raised.value.exit_code == 2
