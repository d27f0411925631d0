"""The order of an examination: what everything else rests on first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from botocore.exceptions import BotoCoreError, ClientError

from cicd_templates.deploy.aws.clients import explained
from cicd_templates.deploy.change_sets.aws_commands import addressed
from cicd_templates.deploy.doctor import (
    certificates,
    connections,
    identity,
    names,
    provided,
    quotas,
    roles,
    secrets,
    subscriptions,
)
from cicd_templates.deploy.doctor.checks import Check, Patient

Subject = Callable[[Patient], Iterator[Check]]

SUBJECTS: dict[str, Subject] = {
    "region": identity.region,
    "service-linked roles": roles.checks,
    "quotas": quotas.checks,
    "certificate": certificates.checks,
    "connection": connections.checks,
    "provided values": provided.checks,
    "secrets": secrets.checks,
    "subscriptions": subscriptions.checks,
    "names": names.checks,
}


def checks(patient: Patient) -> Iterator[Check]:
    """Every check of an environment, as it is made. Without usable credentials there is nothing more to see.

    A subject that may not be read is one check that says so, and the others go on.
    """
    usable = True
    for check in identity.checks(patient):
        usable = not check.fix
        yield check
    if not usable:
        return
    for name, subject in SUBJECTS.items():
        try:
            for check in subject(patient):
                yield replace(check, fix=addressed(check.fix, patient.clients, patient.stacks[0].account))
        except (ClientError, BotoCoreError) as error:
            yield Check(name, f"not readable: {explained(error)}", read=False)
