"""Layer `secrets`: the secrets of one service. `make secret` sets their values."""

from __future__ import annotations

from cicd_templates.blocks.secrets import generated_secret
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import title
from cicd_templates.layer.outputs import SecretArn, ServiceOutput
from cicd_templates.layer.template import LayerTemplate
from templates import keys


def secret_arn(name: str) -> ServiceOutput[SecretArn]:
    """Return the output for the ARN of the secret `name`."""
    return ServiceOutput(SecretArn, "secrets", f"{title(name)}SecretArn", f"The secret {name}")


def needed(service: Service) -> bool:
    """Return whether the service's configuration names a secret for this layer to create."""
    return bool(service.own_secrets)


def build(env: Environment, service: Service) -> LayerTemplate:
    """Return the secrets, each with a random value, so that tasks can start before the real value is set."""
    layer = LayerTemplate(env, service)
    key = layer.read(keys.KEY_ARN)
    for name in service.own_secrets:
        secret = layer.add(generated_secret(f"{title(name)}Secret", env, service, name, key))
        layer.publish(secret_arn(name), SecretArn(secret.ref()))
    return layer
