"""Whether the secrets of the checks have a value. It is never read: a secret without one has no version."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.deploy.doctor.check import Check, Patient


def checks(patient: Patient) -> Iterator[Check]:
    """One check for each secret of a stack that is deployed; before that there is nothing to set."""
    deployed = [stack for stack in patient.stacks if stack not in patient.missing]
    for stack, _, secret in patient.resources("AWS::SecretsManager::Secret", of=deployed):
        name = secret["Name"]
        answer = patient.clients.secretsmanager.describe_secret(SecretId=name)
        if answer.get("VersionIdsToStages"):
            yield Check(f"secret {name}", "has a value")
            continue
        short = name.removeprefix(f"{stack.facts['Project']}-{stack.links.environment}-{stack.service}-")
        fix = f"make secret ENV={stack.facts['Environment']} SERVICE={stack.service} NAME={short}"
        yield Check(f"secret {name}", "has no value, and its check fails until then", fix)
