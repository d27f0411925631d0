"""The pipeline's actions have the names by which functions find them."""

from __future__ import annotations

from cicd_templates.blocks import delivery_actions, migration_actions
from cicd_templates.config import reserved_words
from cicd_templates.functions import deployed_release


def test_the_function_that_examines_a_deployment_finds_the_actions() -> None:
    assert delivery_actions.EXECUTE_ACTION == deployed_release.EXECUTE_ACTION
    assert migration_actions.MIGRATE_ACTION == deployed_release.MIGRATE_ACTION
    assert reserved_words.MIGRATION == deployed_release.MIGRATION_LAYER
    assert delivery_actions.APPROVE_ACTION == deployed_release.APPROVE_ACTION
