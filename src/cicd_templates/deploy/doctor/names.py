"""Checks whether a deployment would create a resource whose name is already taken."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.deploy.doctor.checks import Check, ExaminedEnvironment
from cicd_templates.deploy.plans.name_collisions import find_collisions


def check_names(examined: ExaminedEnvironment) -> Iterator[Check]:
    """Yield a result for each name that is already taken, with the owner of the name and the remedies.

    If all names are free, yield one result that says so.
    """
    names = find_collisions(examined.clients, examined.stacks)
    for taken in names.taken:
        finding = f"already exists, so the stack {taken.stack} cannot create it; {taken.owner}"
        yield Check(f"{taken.resource_type} {taken.name}", finding, "\n".join(taken.remedy))
    for resource_type in names.unread:
        yield Check(f"names of {resource_type}", "not readable", read=False)
    if not names.taken:
        yield Check("names", "all free")
