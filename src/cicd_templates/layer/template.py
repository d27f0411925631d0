"""The template of one layer while it is built: a list of resources, of values read and of values published.

Decides where a value stands in Parameter Store and how the reading parameter is called; knows no resource type.
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
    """What a layer's `build` makes and returns, for `env` and, where the layer is per service, for one `service`.

    `template` is troposphere's, for what has no method here, such as a mapping.
    """

    def __init__(self, env: Environment, service: Service | None = None) -> None:
        self.env = env
        self.service = service
        self.template = Template()

    def add(self, resource: R) -> R:
        """Add `resource` and return it. Raises `ConfigurationError` where its logical id is taken."""
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
        """Add a parameter that somebody sets at deploy time. What another layer publishes is read with `read`."""
        self.template.add_parameter(parameter)

    def add_condition(self, name: str, condition: AWSHelperFn) -> None:
        """Add a condition that resources and values refer to by `name`."""
        self.template.add_condition(name, condition)

    def read(self, output: Output[V], *, service: Service | None = None) -> V:
        """Return what another stack of the environment publishes, as a reference to a template parameter.

        A value that exists once per service is this layer's own service's, or that of `service`. Where the
        configuration provides the value, it is a literal. Raises `TypeError` where it does not say which service's
        value is meant, and `ValueError` where two values would share a parameter.
        """
        owner = self._owner(output, service)
        provided = self.env.settings.provided.get(f"{output.layer}.{output.name}")
        if provided is not None:
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
            raise ValueError(f"{path}: its parameter {name} reads something else already; rename one of the outputs")
        return output.kind(Ref(name))

    def publish(self, output: Output[V], value: V) -> None:
        """Add the Parameter Store parameter and a template output of the same name, which is never exported.

        Raises `TypeError` where the output exists once per service and this layer once per environment, or vice versa.
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
        """Return the service whose value is meant; None for a value that exists once per environment."""
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
