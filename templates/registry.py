"""Layer `registry`: the repository of a service's images, whose tags cannot move."""

from __future__ import annotations

from troposphere import Template

from cicd_templates.blocks.repositories import repository
from cicd_templates.config.environment import Environment, Service
from cicd_templates.layer.outputs import Output, RepositoryUri
from templates import keys

REPOSITORY_URI = Output(RepositoryUri, "registry", "RepositoryUri", "Where builds push the service's image")


def build(env: Environment, service: Service) -> Template:
    """One repository, which the execution roles of every runtime environment may read."""
    template = Template()
    key = keys.KEY_ARN.read(template, env)
    images = template.add_resource(repository("Images", env, service, key, env.runtimes))
    REPOSITORY_URI.publish(template, env, RepositoryUri(images.get_att("RepositoryUri")), service.name)
    return template
