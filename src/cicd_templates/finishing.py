"""The one pass over a finished template: tags on everything that takes them, boundary and path on every role.

Layers mention none of these, so no layer can forget them. A tag that a block set on purpose stays as it is.
"""

from __future__ import annotations

from troposphere import AWSObject, Tags, Template, iam

from cicd_templates.environment import Environment
from cicd_templates.tags import MANAGED_BY, MANAGED_BY_KEY


def stack_tags(env: Environment, layer: str, service: str | None) -> dict[str, str]:
    """The tags of a stack and of every resource in it, in the order in which they are shown."""
    tags = {
        "Project": env.project.name,
        "Environment": env.name,
        **({"Suffix": env.suffix} if env.suffix else {}),
        "Layer": layer,
        **({"Service": service} if service else {}),
        "Owner": env.project.owner,
        "CostCenter": env.project.cost_center,
        MANAGED_BY_KEY: MANAGED_BY,
    }
    return {**env.project.tags, **tags}


def finish(template: Template, env: Environment, tags: dict[str, str]) -> None:
    """Put `tags` on every taggable resource of `template`, and the environment's boundary and path on every role."""
    for resource in template.resources.values():
        if "Tags" in resource.props:
            _tag(resource, tags)
        if isinstance(resource, iam.Role):
            resource.Path = env.settings.role_path
            if env.settings.permissions_boundary:
                resource.PermissionsBoundary = env.settings.permissions_boundary


def _tag(resource: AWSObject, tags: dict[str, str]) -> None:
    own = resource.properties.get("Tags")
    # Most types take a list of keys and values, a few (Parameter Store among them) a plain map.
    if resource.props["Tags"][0] is dict:
        resource.Tags = dict(sorted({**tags, **(own or {})}.items()))
    else:
        resource.Tags = Tags(tags | {tag["Key"]: tag["Value"] for tag in (own.tags if own else ())})
