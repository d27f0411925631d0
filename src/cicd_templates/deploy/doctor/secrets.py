"""Checks whether each secret has a value, and is not scheduled for deletion.

The check never reads the value. It reads only the list of the secret's versions, which is empty if there is no value.
"""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates import hints
from cicd_templates.deploy.doctor.checks import Check, ExaminedEnvironment


def check_secrets(examined: ExaminedEnvironment) -> Iterator[Check]:
    """Yield a result for each secret. Secrets of stacks that are not deployed are skipped."""
    deployed = [stack for stack in examined.stacks if stack not in examined.missing]
    for stack, _, secret in examined.resources("AWS::SecretsManager::Secret", of=deployed):
        name = secret["Name"]
        described = examined.clients.secretsmanager.describe_secret(SecretId=name)
        # A secret that is scheduled for deletion keeps its versions, but nothing can read them.
        if described.get("DeletedDate"):
            fix = f"aws secretsmanager restore-secret --secret-id {name}"
            yield Check(f"secret {name}", "the secret is scheduled for deletion, so nothing can read it", fix)
            continue
        versions = described.get("VersionIdsToStages", {})
        # A value that CloudFormation generated is the first version, so the real value is the second version.
        generated = "GenerateSecretString" in secret
        if len(versions) > generated:
            yield Check(f"secret {name}", "has a value")
            continue
        finding = "the secret has only its generated value" if generated else "has no value, so nothing can read it"
        short = name.removeprefix(f"{stack.facts.project}-{stack.environment}-{stack.service}-")
        fix = hints.make(
            "secret", **stack.make_variables, SERVICE=stack.service, NAME=short, LOCAL=examined.clients.local
        )
        yield Check(f"secret {name}", finding, fix)
