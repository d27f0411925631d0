"""Creates secrets of a service, with random values. They are encrypted with the environment's KMS key."""

from __future__ import annotations

from troposphere import secretsmanager

from cicd_templates.blocks.removal_policies import stateful
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import physical_name
from cicd_templates.layer.outputs import KeyArn


def generated_secret(
    logical_id: str, env: Environment, service: Service, name: str, key: KeyArn
) -> secretsmanager.Secret:
    """Return a secret that has a random value until `make secret` sets the real one.

    Without a value, ECS cannot start a task that uses the secret.
    """
    return stateful(
        secretsmanager.Secret(
            logical_id,
            Name=physical_name(env, "AWS::SecretsManager::Secret", service.name, name),
            Description=f"{name} of {service.name}; set its value with `make secret`",
            GenerateSecretString=secretsmanager.GenerateSecretString(PasswordLength=32),
            KmsKeyId=key,
        ),
        env,
    )
