"""Builds and writes a project's resources with only troposphere and PyYAML's C emitter: a comparison in `make bench`.

Run it as a process with a number of services. It prints the CPU seconds, the seconds on the wall and the number of
stacks. Configuration, links, tags, checks, headers and pages are left out. The layers compute all values before the
clock starts.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import yaml
from troposphere import BaseAWSObject, Template

from cicd_templates.cli.project_layers import tool_layers
from tests.bench.many_services import configuration


def main(services: int) -> None:
    """Measure the templates of each environment and layer separately, so that few templates are in memory at once."""
    seconds, wall, stacks = 0.0, 0.0, 0
    for environment in configuration(services).environments:
        for layer in tool_layers():
            for built in layer.instances(environment):
                resources = list(copies(built.template))
                began, began_on_wall = time.process_time(), time.perf_counter()
                again = Template()
                for make in resources:
                    again.add_resource(make())
                yaml.dump(again.to_dict(), Dumper=yaml.CSafeDumper, sort_keys=False)
                seconds += time.process_time() - began
                wall += time.perf_counter() - began_on_wall
                stacks += 1
    print(seconds, wall, stacks)


def copies(template: Template) -> Iterator[Callable[[], Any]]:
    """Yield a function for each resource, which makes the resource again with all its properties."""
    for resource in template.resources.values():
        yield partial(again, resource)


def again(value: Any) -> Any:
    """Make a troposphere object again, as a layer would make it. Return any other value unchanged."""
    match value:
        case BaseAWSObject():
            parts = {name: again(part) for name, part in value.properties.items()}
            if value.resource is not value.properties:
                # A resource has attributes beside its properties, such as DependsOn.
                parts |= {
                    name: again(part) for name, part in value.resource.items() if name not in ("Type", "Properties")
                }
            return type(value)(value.title, validation=False, **parts)
        case list():
            return [again(part) for part in value]
    return value


if __name__ == "__main__":
    main(int(sys.argv[1]))
