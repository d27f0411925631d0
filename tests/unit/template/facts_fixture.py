"""Facts of a stack, which tests change as they need."""

from __future__ import annotations

from cicd_templates.template.stack_facts import StackFacts

FACTS = StackFacts(
    project="shipping",
    environment="staging",
    kind="runtime",
    layer="keys",
    stack="shipping-staging-keys",
    account="222222222222",
    region="eu-central-1",
    protection="disposable",
    sources=(),
    stack_tags={},
)
