"""The template of one layer while it is being built: its resources, and the values that it reads and publishes.

This module decides the path of a value in Parameter Store, and the name of the template parameter that reads the value.
It must not depend on the types of resources.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from troposphere import AWSHelperFn, AWSObject, Parameter, Ref, Template, ssm
from troposphere import Output as TemplateOutput

from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import parameter_path, title
from cicd_templates.errors import ConfigurationError
from cicd_templates.layer.outputs import Output, ServiceOutput, V, Value

R = TypeVar("R", bound=AWSObject)
Resources = TypeVar("Resources", bound=Sequence[AWSObject])


class LayerTemplate:
    """The template that a layer's `build` creates and returns, for `env` and, if given, for one `service`.

    `template` is the troposphere template. Use it to add what has no method here, such as a mapping.
    """

    def __init__(self, env: Environment, service: Service | None = None) -> None:
        self.env = env
        self.service = service
        self.template = Template()

    def add(self, resource: R) -> R:
        """Add `resource` and return it. Raises `ConfigurationError` if its logical id is already taken."""
        taken = self.template.resources.get(str(resource.title))
        if taken is not None:
            of = f" for service {self.service.name}" if self.service else ""
            raise ConfigurationError(
                f"{self.env.qualified}{of}: two resources would have the logical id {resource.title},"
                f" {taken.resource_type} and {resource.resource_type}; rename the check, secret or resource that"
                " it comes from"
            )
        self.template.add_resource(resource)
        return resource

    def add_all(self, resources: Resources) -> Resources:
        """Add `resources` in their order and return them. Raises `ConfigurationError` as `add` does."""
        for resource in resources:
            self.add(resource)
        return resources

    def add_parameter(self, parameter: Parameter) -> None:
        """Add a parameter that is set at deploy time. For values that another layer publishes, use `read` instead."""
        self.template.add_parameter(parameter)

    def add_condition(self, name: str, condition: AWSHelperFn) -> None:
        """Add a condition. Resources and values refer to it by `name`."""
        self.template.add_condition(name, condition)

    def read(self, output: Output[V], *, service: Service | None = None) -> V:
        """Return a value that another stack of the environment publishes, as a reference to a template parameter.

        If the configuration provides the value, return it as a literal. If the value exists once per service, `service`
        says whose value is read; the default is the service of this layer. Raises `TypeError` if the service is missing
        or superfluous, `ConfigurationError` if a provided value is of another kind, and `ValueError` if two different
        values would use the same template parameter.
        """
        owner = self._owner(output, service)
        provided = self.env.settings.provided.get(f"{output.layer}.{output.name}")
        if provided is not None:
            if problem := output.kind.problem_of(provided):
                at = f'environments.{self.env.name}.provided."{output.layer}.{output.name}"'
                raise ConfigurationError(f"{at}: {problem}")
            return output.kind(provided.split(",") if output.kind.is_list() else provided)
        path = self._path(output, owner)
        name = output.name if owner is None or owner is self.service else f"{title(owner.name)}{output.name}"
        declared = self.template.parameters.get(name)
        if declared is None:
            self.template.add_parameter(
                Parameter(
                    name,
                    Type=f"AWS::SSM::Parameter::Value<{output.kind.parameter_type}>",
                    Default=path,
                    Description=output.description,
                )
            )
        elif declared.properties.get("Default") != path:
            raise ValueError(f"{path}: the parameter {name} already reads another value; rename one of the outputs")
        return output.kind(Ref(name))

    def publish(self, output: Output[V], value: V) -> None:
        """Publish `value`: add a Parameter Store parameter, and a template output with the same name and no export.

        Raises `TypeError` if the output exists once per service but this layer once per environment, or vice versa.
        """
        if isinstance(output, ServiceOutput) and self.service is None:
            raise TypeError(f"{_label(output)} exists once per service: publish it from LayerTemplate(env, service)")
        if not isinstance(output, ServiceOutput) and self.service is not None:
            raise TypeError(f"{_label(output)} is published once per service: declare it as a ServiceOutput")
        expression = Value({"Fn::Join": [",", value.data]} if output.kind.is_list() else value.data)
        self.add(
            ssm.Parameter(
                f"{output.name}Parameter",
                Name=self._path(output, self.service),
                Description=output.description,
                Type="StringList" if output.kind.is_list() else "String",
                Value=expression,
            )
        )
        self.template.add_output(TemplateOutput(output.name, Description=output.description, Value=expression))

    def _owner(self, output: Output[V], service: Service | None) -> Service | None:
        """Return the service whose value is read, or None if the value exists once per environment."""
        if not isinstance(output, ServiceOutput):
            if service is not None:
                raise TypeError(f"{_label(output)} exists once per environment: read it without `service`")
            return None
        owner = service or self.service
        if owner is None:
            raise TypeError(f"{_label(output)} exists once per service: read it with `service`")
        return owner

    def _path(self, output: Output[V], owner: Service | None) -> str:
        return parameter_path(self.env, output.layer, output.name, owner.name if owner else None)


def _label(output: Output[V]) -> str:
    return f"{output.layer}.{output.name}"
