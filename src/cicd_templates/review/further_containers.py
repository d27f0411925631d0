"""Lists the additional containers of ECS tasks, such as sidecars with third-party images, and what each may do.

The image of a service's own container is a parameter of the template, because each release sets it. The images of
additional containers are written in the template.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cicd_templates.markdown import Markup, plain
from cicd_templates.review.formatting import Formatter
from cicd_templates.review.reviewed_stacks import ReviewedStack
from cicd_templates.template.image_parameter import IMAGE_PARAMETER
from cicd_templates.template.intrinsics import values_at

CONTAINER_HEADS = ("task", "container", "image", "starts", "user and role", "secrets", "writes to")
TASK_DEFINITION = "AWS::ECS::TaskDefinition"
CONTAINERS = "ContainerDefinitions"
ROOT = "root, or the user of its image"
Properties = Mapping[str, Any]


def container_rows(stack: ReviewedStack) -> list[tuple[str, ...]]:
    """Return one row for each container except the service's own, whose image is a parameter of the template."""
    template = stack.template
    return [
        (f"{template.label}.{logical_id}", str(container.get("Name", "")), *_facts(container, task, stack.formatter))
        for logical_id, resource in template.resources.items()
        if resource["Type"] == TASK_DEFINITION
        for task in [resource.get("Properties", {})]
        for container in _containers(task)
        if container.get("Image") != {"Ref": IMAGE_PARAMETER}
    ]


def added_container(path: tuple[str, ...], container: Any, task: Properties, formatter: Formatter) -> Markup | None:
    """Return what the additional container of a task may do.

    `container` is the value that a change adds at `path`. Return None if this value is not a container of a task.
    """
    if path[:1] != (CONTAINERS,) or len(path) != 2 or not isinstance(container, dict):
        return None
    image, starts, runs_as, secrets, folders = _facts(container, task, formatter)
    return plain(
        f"adds a container that runs {image}; it starts {starts}; it runs as {runs_as}; it reads {secrets};"
        f" it writes to {folders}"
    )


def _containers(task: Properties) -> Iterator[Properties]:
    yield from (container for container in values_at(task, CONTAINERS) if isinstance(container, dict))


def _facts(container: Properties, task: Properties, formatter: Formatter) -> tuple[str, str, str, str, str]:
    role = task.get("TaskRoleArn")
    user = formatter.format(container.get("User", ROOT))
    rights = f"the rights of {formatter.format(role)}" if role else "no role"
    secrets = [
        f"{formatter.format(secret['Name'])} ({formatter.format(secret['ValueFrom'])})"
        for secret in values_at(container, "Secrets")
        if isinstance(secret, dict) and "Name" in secret
    ]
    return (
        formatter.format(container.get("Image", "an unknown image")),
        _start(container, task),
        f"{user}, with {rights}{_privileges(container, formatter)}",
        ", ".join(secrets) or "no secrets",
        ", ".join(_folders(container, formatter)) or "nothing",
    )


def _start(container: Properties, task: Properties) -> str:
    conditions = [
        dependency.get("Condition")
        for other in _containers(task)
        for dependency in values_at(other, "DependsOn")
        if dependency.get("ContainerName") == container.get("Name")
    ]
    if "SUCCESS" in conditions:
        return "first, and must end with exit code 0"
    return (
        "with the other containers"
        if container.get("Essential") is False
        else "with the other containers; if this container ends, the task ends"
    )


def _privileges(container: Properties, formatter: Formatter) -> str:
    added = list(map(formatter.format, values_at(container, "LinuxParameters", "Capabilities", "Add")))
    words = ["privileged"] if container.get("Privileged") else []
    words += [f"with the capabilities {', '.join(added)}"] if added else []
    return "".join(f", {word}" for word in words)


def _folders(container: Properties, formatter: Formatter) -> Iterator[str]:
    if container.get("ReadonlyRootFilesystem") is not True:
        yield "every folder of its image"
    for point in values_at(container, "MountPoints"):
        # Only the literal value says for certain that the task writes nothing.
        if point.get("ReadOnly") is not True:
            folder, volume = (formatter.format(point.get(key)) for key in ("ContainerPath", "SourceVolume"))
            yield f"{folder} (volume {volume})"
    for path in values_at(container, "LinuxParameters", "Tmpfs", "ContainerPath"):
        yield f"{formatter.format(path)} (memory)"
