"""Checks whether the hook `verify-image` would stop the first deployment of a service.

The image of a first deployment usually has no signature, because the pipeline has not built it. The hook lets such an
image run only if the configuration has an exception for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from cicd_templates.deploy.doctor.checks import Check, ExaminedEnvironment


def check_first_images(examined: ExaminedEnvironment) -> Iterator[Check]:
    """Yield a result for each service that has the hook `verify-image` and whose stack does not exist yet."""
    for hooks, _, function in examined.resources("AWS::Lambda::Function"):
        variables = function.get("Environment", {}).get("Variables", {})
        # Only the function of the hook `verify-image` has both variables.
        if {"CONTAINER", "UNSIGNED_IMAGES"} <= variables.keys():
            for image in _first_images(examined, hooks.service, variables["CONTAINER"]):
                yield _check_image(f"first image of {hooks.service}", image, hooks.service, variables)


def _first_images(examined: ExaminedEnvironment, service: str | None, container_name: str) -> Iterator[str]:
    missing = [stack for stack in examined.missing if stack.service == service]
    for stack, _, _ in examined.resources("AWS::ECS::Service", of=missing):
        for _, _, definition in examined.resources("AWS::ECS::TaskDefinition", of=[stack]):
            for container in definition["ContainerDefinitions"]:
                if container["Name"] == container_name:
                    yield stack.content["Parameters"][container["Image"]["Ref"]]["Default"]


def _check_image(subject: str, image: str, service: str | None, variables: Mapping[str, Any]) -> Check:
    before, _, after = variables["REPOSITORY"]["Fn::Sub"].partition("${AWS::URLSuffix}")
    repository = image.partition("@")[0]
    today = datetime.now(UTC).date().isoformat()
    exceptions = json.loads(variables["UNSIGNED_IMAGES"]).get(variables["ENVIRONMENT"], ())
    days = [each["expires"] for each in exceptions if each["image"] == image and each["expires"] >= today]
    if days:
        return Check(subject, f"an exception lets {image} run without a signature until {max(days)}")
    if repository.startswith(before) and repository.endswith(after):
        return Check(
            subject, f"{image} is in the pipeline's repository, so the hook verify-image verifies its signature"
        )
    return Check(
        subject,
        f"{image} is not in the pipeline's repository, and no exception lets it run without a signature, so the hook"
        " verify-image would stop the first deployment",
        f"add [services.{service}.unsigned_images.first-deployment] to the configuration, with this image, an owner, a"
        " reason and a last day; then render",
    )
