"""Layer `registry`: the repository of a service's images, with immutable tags."""

from __future__ import annotations

from cicd_templates.blocks.repositories import repository
from cicd_templates.config.environment import Environment, Service
from cicd_templates.layer.outputs import RepositoryUri, ServiceOutput
from cicd_templates.layer.template import LayerTemplate
from templates import keys

REPOSITORY_URI = ServiceOutput(RepositoryUri, "registry", "RepositoryUri", "Repository of the service's images")


def build(env: Environment, service: Service) -> LayerTemplate:
    """Return one repository. The execution roles of all runtime environments may pull images from it."""
    layer = LayerTemplate(env, service)
    key = layer.read(keys.KEY_ARN)
    images = layer.add(repository("Images", env, service, key, env.runtimes))
    layer.publish(REPOSITORY_URI, RepositoryUri(images.get_att("RepositoryUri")))
    return layer
