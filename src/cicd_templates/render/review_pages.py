"""Writes the review pages beside the templates: one `REVIEW.md` per environment, and `DIFFERENCES.md`.

The pages are joined from parts, each about a few stacks. A part can be written as a line of JSON, so that `make render`
can use it again; see `service_record`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from cicd_templates.config.environment import Environment
from cicd_templates.render.processes import map_in_processes, process_count
from cicd_templates.review import differences_page, environment_page
from cicd_templates.review.environment_page import Review
from cicd_templates.review.reviewed_stacks import ReviewedStacks

if TYPE_CHECKING:
    from cicd_templates.render.render import RenderedStack

# Services whose stacks share parts. A larger number makes fewer parts, but a change of one service reviews all of them.
SERVICES_PER_GROUP = 4
JOBS_PER_BATCH = 5


class ReviewPart(NamedTuple):
    """The review of stacks that follow each other in deploy order. `paths` are the paths of their files."""

    paths: tuple[str, ...]
    review: Review

    def to_plain(self) -> list[Any]:
        """Return this part of the review pages as plain data for JSON. `part_of` turns the data into a part again."""
        return [self.paths, self.review.to_plain()]


class RecordedReview(NamedTuple):
    """A review as plain data, which `ReviewPart.to_plain` returned."""

    paths: tuple[str, ...]
    plain: list[Any]


class DifferencesPart(NamedTuple):
    """The differences between two environments, `before` and `after`, in one stack, such as `network`.

    `label` is the short name of the stack. `paths` are the paths of the stack's files in the two environments.
    """

    paths: tuple[str, ...]
    before: str
    after: str
    label: str
    rows: Sequence[differences_page.Row]

    def to_plain(self) -> list[Any]:
        """Return this part of the review pages as plain data for JSON. `part_of` turns the data into a part again."""
        return list(self)


NewPart = ReviewPart | DifferencesPart
Part = NewPart | RecordedReview


def part_of(plain: Sequence[Any]) -> RecordedReview | DifferencesPart:
    """Turn `plain`, the data that `to_plain` returned, into a part of the review pages again."""
    paths, *rest = plain
    if len(rest) == 1:
        return RecordedReview(tuple(paths), rest[0])
    before, after, label, rows = rest
    return DifferencesPart(
        tuple(paths), before, after, label, [(place, path, old, new) for place, path, old, new in rows]
    )


def pages(stacks: Sequence[RenderedStack], lines: list[str] | None = None) -> dict[str, str]:
    """Return the pages, keyed by their path below `out/`. They are made from templates, not from rendered text.

    If `lines` is given, append each part of the pages to `lines`, as JSON.
    """
    environments = {stack.environment.qualified: stack.environment for stack in stacks}
    parts = _parts(stacks, environments)
    return joined(parts if lines is None else _noted(parts, lines), environments)


def _noted(parts: Iterable[NewPart], lines: list[str]) -> Iterator[NewPart]:
    for part in parts:
        lines.append(json.dumps(part.to_plain()))
        yield part


def _parts(stacks: Sequence[RenderedStack], environments: Mapping[str, Environment]) -> Iterator[NewPart]:
    """Yield the parts of the pages in deploy order. For many stacks, several processes make the parts."""
    reviewed = ReviewedStacks(stacks)
    groups = service_groups({service.name for each in environments.values() for service in each.services})
    jobs: list[Callable[[], NewPart]] = [
        partial(_review, reviewed, list(batch))
        for _, batch in groupby(stacks, lambda stack: (stack.facts.environment, groups.get(stack.facts.service)))
    ]
    paths = {(stack.environment.qualified, stack.label): stack.path for stack in stacks}
    by_label = {name: reviewed.by_label(name) for name in _route(environments)}
    for comparison in differences_page.comparisons(by_label):
        before, after, _, _, label = comparison
        compared = tuple(paths[name, label] for name in (before, after) if (name, label) in paths)
        jobs.append(partial(_compare, comparison, compared))
    # The same processes do all jobs, because each process first needs the names of all stacks.
    return map_in_processes(
        lambda job: job(), jobs, process_count(len(stacks)), lambda job: "review a stack", JOBS_PER_BATCH
    )


def _review(reviewed: ReviewedStacks, batch: Sequence[RenderedStack]) -> ReviewPart:
    return ReviewPart(tuple(stack.path for stack in batch), Review(map(reviewed.review, batch)))


def _compare(comparison: differences_page.Comparison, paths: tuple[str, ...]) -> DifferencesPart:
    return DifferencesPart(paths, comparison.before, comparison.after, comparison.label, comparison.rows())


def service_groups(services: Iterable[str]) -> dict[str | None, int]:
    """Sort the services by name and divide them into groups. Return a map from each service to its group's number.

    The stacks of a group are neighbours in the deploy order, and share parts of the review pages.
    """
    return {name: number // SERVICES_PER_GROUP for number, name in enumerate(sorted(services))}


def joined(parts: Iterable[Part], environments: Mapping[str, Environment]) -> dict[str, str]:
    """Join `parts` into pages. Return the pages, keyed by their path below `out/`."""
    review = Review()
    compared = []
    for part in parts:
        if isinstance(part, ReviewPart):
            review.extend(part.review)
        elif isinstance(part, RecordedReview):
            review.extend_plain(part.plain)
        else:
            compared.append((part.before, part.after, part.rows))
    overrides = {name: _overrides(environment) for name, environment in environments.items()}
    texts = {f"{name}/{environment_page.REVIEW_FILE}": text for name, text in review.pages(overrides).items()}
    route = _route(environments)
    if len(route) > 1:
        texts[differences_page.DIFFERENCES_FILE] = differences_page.differences_page(route, compared)
    return texts


def _route(environments: Mapping[str, Environment]) -> list[str]:
    """Return the names of the runtime environments, in the order of the pipeline."""
    tools = (environment for environment in environments.values() if environment.kind == "tools")
    return [peer.qualified for environment in tools for peer in environment.route]


def _overrides(environment: Environment) -> environment_page.Overrides:
    patches = [
        f"{stack}: {path} = {json.dumps(patch.value)}, because {patch.because}"
        for stack, patched in environment.settings.patch.items()
        for path, patch in patched.items()
    ]
    # The pipeline, and so the tools environment, can let a release pass in each environment of its path.
    places = environment.route if environment.kind == "tools" else (environment,)
    unsigned = [
        f"{service.name} in {place.qualified}: {table.image} until {table.expires}, because {table.reason}"
        f" (exception {name}, owner {table.owner})"
        for place in places
        for service in place.services
        for name, table in sorted(service.settings.unsigned_images.items())
    ]
    return environment_page.Overrides(environment.settings.provided, patches, unsigned)
