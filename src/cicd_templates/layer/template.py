"""Builds the template of one layer: its resources, and the values that it reads and publishes.

This module determines the Parameter Store path of a value, and the name of the template parameter that reads it. It
works for all types of resources.
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
    """The template that a layer's `build` creates and returns.

    `service` is the service of the stack. If the layer has one stack per environment, `service` is None.

    `template` is the troposphere template. Use it to add parts for which this class has no method, such as a mapping.
    """

    def __init__(self, env: Environment, service: Service | None = None) -> None:
        self.env = env
        self.service = service
        self.template = Template()
        self._layers_read: dict[str, str] = {}

    def add(self, resource: R) -> R:
        """Add `resource` and return it. Raises `ConfigurationError` if the template already has a resource with the
        same logical id.
        """
        taken = self.template.resources.get(str(resource.title))
        if taken is not None:
            of = f" for service {self.service.name}" if self.service else ""
            raise ConfigurationError(
                f"{self.env.qualified}{of}: {taken.resource_type} and {resource.resource_type} have the "
                f"same logical id {resource.title} because of their names in the configuration; change one of these "
                "names, such as the name of a check or secret"
            )
        self.template.add_resource(resource)
        return resource

    def add_all(self, resources: Resources) -> Resources:
        """Add `resources` in the given order and return them. Raises the errors of `add`."""
        for resource in resources:
            self.add(resource)
        return resources

    def add_parameter(self, parameter: Parameter) -> None:
        """Add a parameter. To read a value that another layer publishes, use `read` instead."""
        self.template.add_parameter(parameter)

    def add_condition(self, name: str, condition: AWSHelperFn) -> None:
        """Add a condition with the name `name`."""
        self.template.add_condition(name, condition)

    def read(self, output: Output[V], *, service: Service | None = None) -> V:
        """Return a reference to the value of `output`, which another stack of the environment publishes.

        The method adds a template parameter that reads the value. If the configuration provides the value, the method
        returns a literal instead.

        If the output has one value for each service, `service` is the service whose value is read. The default is the
        service of this template.

        Raises `TypeError` in these cases:

        - The output has one value for each service, but `service` is missing and this template has no service.
        - The output has one value for the whole environment, but `service` is given.

        Raises `ConfigurationError` if the configuration provides an invalid value, or if a template parameter with the
        same name already reads a different value.
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
            self._layers_read[name] = output.layer
            self.template.add_parameter(
                Parameter(
                    name,
                    Type=f"AWS::SSM::Parameter::Value<{output.kind.parameter_type}>",
                    Default=path,
                    Description=output.description,
                )
            )
        elif declared.properties.get("Default") != path:
            layers = dict.fromkeys((self._layers_read.get(name, output.layer), output.layer))
            owners = " or of ".join(f"the layer {layer}" for layer in layers)
            raise ConfigurationError(
                f"the template parameter {name} cannot read both {path} and"
                f" {declared.properties.get('Default', 'another value')}; rename the Output of {owners}. If the"
                " Output is named after a resource in the configuration, rename this resource instead"
            )
        return output.kind(Ref(name))

    def publish(self, output: Output[V], value: V) -> None:
        """Publish `value` as a Parameter Store parameter, and as a template output without an export.

        The names of the parameter and of the template output contain the name of `output`.

        In the template of a service, `output` must be a `ServiceOutput`. In any other template, `output` must not be a
        `ServiceOutput`. Otherwise, the method raises `TypeError`.
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
        """Return the service whose stack publishes `output`, or None if `output` exists once per environment."""
        if not isinstance(output, ServiceOutput):
            if service is not None:
                raise TypeError(f"{_label(output)} exists once per environment: call `read` without `service`")
            return None
        owner = service or self.service
        if owner is None:
            raise TypeError(f"{_label(output)} exists once per service: pass `service` to `read`")
        return owner

    def _path(self, output: Output[V], owner: Service | None) -> str:
        return parameter_path(self.env, output.layer, output.name, owner.name if owner else None)


def _label(output: Output[V]) -> str:
    return f"{output.layer}.{output.name}"
