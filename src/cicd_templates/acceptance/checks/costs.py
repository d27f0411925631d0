"""Compares the cost estimate, which is shown before a run, with the resources that the run really created."""

from __future__ import annotations

from collections import Counter

from cicd_templates.acceptance import estimate
from cicd_templates.acceptance.check import Check, CheckContext, LocalCoverage, require
from cicd_templates.acceptance.checks.stacks import stacks_of
from cicd_templates.acceptance.project import ENVIRONMENTS


def price_what_exists(context: CheckContext) -> str:
    """Count the resources in the stacks, and compare the numbers with the estimate.

    For each resource type that costs money, the estimated number must equal the real number.

    The result contains a price for the time since the deployment began. The bill of AWS shows the real cost a day
    later. This check does not call Cost Explorer, because AWS charges for each call.
    """
    counts: Counter[str] = Counter()
    for environment in ENVIRONMENTS:
        cloudformation = context.clients(environment).cloudformation
        for name in stacks_of(context, environment):
            pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
            counts.update(each["ResourceType"] for page in pages for each in page["StackResourceSummaries"])
    more = sorted(item.name for item in estimate.ITEMS if item.units_in(counts) > item.count)
    require(not more, f"the run created more resources than estimated: {', '.join(more)}")
    unknown = sorted(estimate.OTHERS & set(counts))
    require(not unknown, f"the estimate leaves out {', '.join(unknown)}")
    if context.local:
        return "the estimate is correct: it has the right number of resources of each type that costs money"
    hours = (context.clock() - float(context.facts["deployed at"])) / 3600
    dollars = sum(item.price_of(item.units_in(counts), hours) for item in estimate.ITEMS)
    return (
        f"about {dollars:.2f} USD for {hours:.1f} hours, calculated with unchecked prices; the bill of AWS shows the "
        f"real cost"
    )


COST = Check(
    "cost",
    "The cost estimate that is shown before the run includes every resource that costs money by the hour.",
    price_what_exists,
    needs=("deployed",),
    local_coverage=LocalCoverage.STEPS_ONLY,
    local_limit="only the number of resources was checked, because resources of the local AWS cost nothing",
    question="What does a run cost?",
)
