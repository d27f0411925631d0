"""Whether somebody has given each secret its value. It is never read: a secret without one has no version."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates import hints
from cicd_templates.deploy.doctor.checks import Check, Patient


def checks(patient: Patient) -> Iterator[Check]:
    """One check for each secret of a stack that is deployed; before that there is nothing to set."""
    deployed = [stack for stack in patient.stacks if stack not in patient.missing]
    for stack, _, secret in patient.resources("AWS::SecretsManager::Secret", of=deployed):
        name = secret["Name"]
        versions = patient.clients.secretsmanager.describe_secret(SecretId=name).get("VersionIdsToStages", {})
        # What CloudFormation generates is the first version; the true value is another, beside the one before it.
        generated = "GenerateSecretString" in secret
        if len(versions) > generated:
            yield Check(f"secret {name}", "has a value")
            continue
        finding = "has only the value that was generated for it" if generated else "has no value, so its check fails"
        short = name.removeprefix(f"{stack.facts.project}-{stack.environment}-{stack.service}-")
        fix = hints.make(
            "secret", **stack.make_variables, SERVICE=stack.service, NAME=short, LOCAL=patient.clients.local
        )
        yield Check(f"secret {name}", finding, fix)
