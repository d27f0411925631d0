"""No two actions of a pipeline share a namespace, so a reference to a variable has one meaning."""

from __future__ import annotations

import pytest
from troposphere import codepipeline

from cicd_templates.blocks import pipeline_stages
from cicd_templates.blocks.pipeline_actions import PipelineAction
from cicd_templates.blocks.pipeline_stages import PipelineStage
from cicd_templates.errors import ConfigurationError


def stage(name: str, **namespaces: str) -> PipelineStage:
    """Return a stage with an action for each namespace, by the name of the action. An empty one is no namespace."""
    actions = []
    for action, namespace in namespaces.items():
        declaration = codepipeline.Actions(Name=action)
        if namespace:
            declaration.Namespace = namespace
        actions.append(PipelineAction(declaration, None))
    return PipelineStage(codepipeline.Stages(Name=name), actions)


def test_two_actions_with_the_same_namespace_are_refused() -> None:
    own, other = stage("Qa-Migration", ExecuteMigration="QaMigration"), stage("QaMigration", Execute="QaMigration")

    with pytest.raises(ConfigurationError) as refusal:
        pipeline_stages.require_different_namespaces("basket", [own, other])
    assert str(refusal.value) == (
        "services.basket: Qa-Migration/ExecuteMigration and QaMigration/Execute would have the same"
        " namespace QaMigration; rename one of the environments whose names lead to this namespace"
    )


def test_actions_without_a_namespace_are_allowed() -> None:
    stages = [stage("Qa", Prepare="", Execute="Qa"), stage("Production", Prepare="", Execute="Production")]

    pipeline_stages.require_different_namespaces("basket", stages)
