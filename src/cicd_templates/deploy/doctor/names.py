"""Whether the names that a deployment would take are free."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.deploy.doctor.checks import Check, Patient
from cicd_templates.deploy.plans.name_collisions import collisions


def checks(patient: Patient) -> Iterator[Check]:
    """One check for each name that is taken, with its owner and the ways out; one line where all are free."""
    names = collisions(patient.clients, patient.stacks)
    for taken in names.taken:
        finding = f"exists, but not in {taken.stack}; {taken.owner}"
        yield Check(f"{taken.resource_type} {taken.name}", finding, "\n".join(taken.remedy))
    for resource_type in names.unread:
        yield Check(f"names of {resource_type}", "not readable", read=False)
    if not names.taken:
        yield Check("names", "nothing is in the way")
