"""Runs all checks of an environment. A check runs before the checks that depend on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from botocore.exceptions import BotoCoreError, ClientError

from cicd_templates.deploy.aws.clients import explain
from cicd_templates.deploy.change_sets.aws_commands import for_caller
from cicd_templates.deploy.doctor import (
    certificates,
    connections,
    identity,
    images,
    names,
    provided,
    quotas,
    roles,
    secrets,
    subscriptions,
)
from cicd_templates.deploy.doctor.checks import Check, ExaminedEnvironment

CheckFunction = Callable[[ExaminedEnvironment], Iterator[Check]]

CHECKS: dict[str, CheckFunction] = {
    "region": identity.check_region,
    "service-linked roles": roles.check_service_linked_roles,
    "quotas": quotas.check_quotas,
    "certificate": certificates.check_certificates,
    "connection": connections.check_connections,
    "provided values": provided.check_provided_values,
    "secrets": secrets.check_secrets,
    "images": images.check_first_images,
    "subscriptions": subscriptions.check_subscriptions,
    "names": names.check_names,
}


def examine(examined: ExaminedEnvironment) -> Iterator[Check]:
    """Yield the results of all checks of an environment. If the credentials do not work, only the first checks run.

    If a call of a check fails, for example because IAM denies it, one result says so. The next check then follows.
    """
    usable = True
    for check in identity.check_identity(examined):
        usable = not check.fix
        yield check
    if not usable:
        return
    for name, check_subject in CHECKS.items():
        try:
            for check in check_subject(examined):
                yield replace(check, fix=for_caller(check.fix, examined.clients, examined.stacks[0].account))
        except (ClientError, BotoCoreError) as error:
            yield Check(name, f"not readable: {explain(error)}", read=False)
