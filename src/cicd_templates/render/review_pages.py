"""Writes the review pages beside the templates: one `REVIEW.md` per environment, and `DIFFERENCES.md`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from cicd_templates.config.environment import Environment
from cicd_templates.render.processes import map_in_processes, process_count
from cicd_templates.review import differences_page, environment_page
from cicd_templates.review.environment_page import Review
from cicd_templates.review.reviewed_stacks import ReviewedStacks

if TYPE_CHECKING:
    from cicd_templates.render.render import RenderedStack


def pages(stacks: Sequence[RenderedStack]) -> dict[str, str]:
    """Return the pages, keyed by their path below `out/`.

    The pages are made from the contents of the templates, not from rendered text.
    """
    environments = {stack.environment.qualified: stack.environment for stack in stacks}
    route = [
        peer.qualified
        for environment in environments.values()
        if environment.kind == "tools"
        for peer in environment.route
    ]
    reviewed = ReviewedStacks(stacks)
    reviews = reviewed.jobs(Review)
    comparisons = differences_page.comparisons({name: reviewed.by_label(name) for name in route})
    # The same processes do all jobs, because each process first needs the names of all stacks.
    jobs: list[Callable[[], Any]] = [*reviews, *(comparison.rows for comparison in comparisons)]
    results = map_in_processes(_call, jobs, process_count(len(stacks)), lambda job: "review a stack")
    review = Review()
    for part in islice(results, len(reviews)):
        review.extend(part)
    compared = list(results)
    overrides = {name: _overrides(environment) for name, environment in environments.items()}
    texts = {f"{name}/{environment_page.REVIEW_FILE}": text for name, text in review.pages(overrides).items()}
    if len(route) > 1:
        texts[differences_page.DIFFERENCES_FILE] = differences_page.differences_page(
            route, zip(comparisons, compared, strict=True)
        )
    return texts


def _call(job: Callable[[], Any]) -> Any:
    return job()


def _overrides(environment: Environment) -> environment_page.Overrides:
    patches = [
        f"{stack}: {path} = {json.dumps(patch.value)}, because {patch.because}"
        for stack, patched in environment.settings.patch.items()
        for path, patch in patched.items()
    ]
    # The pipeline, and so the tools environment, can let a release pass in each environment of its path.
    places = environment.route if environment.kind == "tools" else (environment,)
    unsigned = [
        f"{service.name} in {place.qualified}: {table.image} until {table.expires}, {name} of {table.owner},"
        f" because {table.reason}"
        for place in places
        for service in place.services
        for name, table in sorted(service.settings.unsigned_images.items())
    ]
    return environment_page.Overrides(environment.settings.provided, patches, unsigned)
