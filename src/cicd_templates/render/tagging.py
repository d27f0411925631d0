"""Puts tags on every taggable resource of a template, and the permissions boundary and the path on every role.

Layers do not set tags, boundaries or paths, so no layer can forget them. A tag that a building block has already set is
not overwritten.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

from troposphere import AWSObject, Tags, Template, iam

from cicd_templates.config.environment import Environment
from cicd_templates.render.plain_data import template_content
from cicd_templates.template.tags import MANAGED_BY, MANAGED_BY_KEY


def stack_tags(env: Environment, layer: str, service: str | None) -> dict[str, str]:
    """Return the tags of a stack and of every resource in it, in the order in which they are shown."""
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


def apply_tags_and_role_settings(template: Template, env: Environment, tags: dict[str, str]) -> dict[str, Any]:
    """Return `template` as a dict, with `tags` on all taggable resources.

    Each role also gets the path and the permissions boundary of the environment.

    Raises `TypeError` for a resource type whose tags are neither a list nor a map.
    """
    content = template_content(template)
    tag_list = [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
    for name, resource in template.resources.items():
        properties = content["Resources"][name].setdefault("Properties", {})
        if "Tags" in resource.props:
            properties["Tags"] = _resource_tags(resource, properties.pop("Tags", None), tags, tag_list)
        if isinstance(resource, iam.Role):
            properties["Path"] = env.settings.role_path
            if env.settings.permissions_boundary:
                properties["PermissionsBoundary"] = env.settings.permissions_boundary
    return content


def _resource_tags(resource: AWSObject, own: Any, tags: dict[str, str], tag_list: list[dict[str, str]]) -> Any:
    """Return the tags of a resource as a list of keys and values, or as a map for types such as SSM parameters."""
    shape = resource.props["Tags"][0]
    if shape is dict:
        return dict(sorted({**tags, **(own or {})}.items()))
    # If a type also accepts a plain list, troposphere has a validating function instead of the class.
    if shape is not Tags and not isinstance(shape, FunctionType):
        raise TypeError(f"{resource.title}: the tags of {resource.resource_type} are neither a list nor a map")
    if own is None:
        return tag_list
    if not all(isinstance(tag, dict) and tag.keys() == {"Key", "Value"} for tag in own):
        raise TypeError(f"{resource.title}: write its tags as a list without conditions and other functions")
    merged = tags | {tag["Key"]: tag["Value"] for tag in own}
    return [{"Key": key, "Value": value} for key, value in sorted(merged.items())]
