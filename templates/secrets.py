"""Layer `secrets`: the secrets of one service, whose values come from `make secret`."""

from __future__ import annotations

from troposphere import Template

from cicd_templates.blocks.secrets import generated_secret
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import title
from cicd_templates.layer.outputs import Output, SecretArn
from templates import keys


def secret_arn(name: str) -> Output[SecretArn]:
    """The ARN of a service's own secret of that name."""
    return Output(SecretArn, "secrets", f"{title(name)}SecretArn", f"The secret {name}")


def needed(service: Service) -> bool:
    """Where the configuration names a secret that is made here."""
    return bool(service.own_secrets)


def build(env: Environment, service: Service) -> Template:
    """Each begins with a value that nobody knows, so that a task can start before the true one is there."""
    template = Template()
    key = keys.KEY_ARN.read(template, env)
    for name in service.own_secrets:
        secret = template.add_resource(generated_secret(f"{title(name)}Secret", env, service, name, key))
        secret_arn(name).publish(template, env, SecretArn(secret.ref()), service.name)
    return template
