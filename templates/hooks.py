"""Layer `hooks`: functions that must approve a release of one service before clients reach it."""

from __future__ import annotations

from troposphere import GetAtt

from cicd_templates.blocks import release_hooks
from cicd_templates.blocks.alarms import function_error_alarm
from cicd_templates.blocks.ecs_services import hooks_role
from cicd_templates.blocks.event_rules import MonitoredService
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import title
from cicd_templates.layer.outputs import FunctionArn, RoleArn, ServiceOutput
from cicd_templates.layer.template import LayerTemplate
from templates import cluster, keys, network, notifications, signer

HOOKS_ROLE = ServiceOutput(RoleArn, "hooks", "HooksRoleArn", "Role with which ECS invokes the deployment hooks")


def hook_function(hook: str) -> ServiceOutput[FunctionArn]:
    """Return the output for the ARN of the function that implements `hook`."""
    return ServiceOutput(
        FunctionArn,
        "hooks",
        f"{title(hook)}FunctionArn",
        "Function that must approve a release before clients reach it",
    )


def needed(service: Service) -> bool:
    """Return whether the service has a hook in its configuration.

    When the last hook is removed from the configuration, the stack of this layer is not deleted at once. It remains
    until the service's stack has stopped reading values from it.
    """
    return bool(service.settings.hooks)


def build(env: Environment, service: Service) -> LayerTemplate:
    """Return the hook functions, the role with which ECS invokes these functions, and an error alarm per function."""
    layer = LayerTemplate(env, service)
    monitored = MonitoredService(env, service, layer.read(notifications.DEAD_LETTER_QUEUE))
    operations = layer.read(notifications.OPERATIONS)
    key = layer.read(keys.KEY_ARN)
    functions = []
    for hook in service.settings.hooks:
        if hook == release_hooks.SMOKE:
            vpc = layer.read(network.VPC_ID)
            group = layer.add(release_hooks.smoke_group("SmokeGroup", env, service, vpc))
            balancer = layer.read(cluster.BALANCER_HOST)
            subnets = layer.read(network.PRIVATE_SUBNET_IDS)
            hook_resources = release_hooks.smoke(monitored, key, balancer, subnets, group)
        else:
            hook_resources = release_hooks.verify_image(monitored, key, signer.names_in_statements(env.tools, service))
        _, _, function = layer.add_all(hook_resources)
        words = [service.name, hook]
        layer.add(function_error_alarm(f"{title(hook)}Errors", env, words, function.ref(), [operations]))
        functions.append(FunctionArn(GetAtt(function, "Arn")))
        layer.publish(hook_function(hook), functions[-1])
    role = layer.add(hooks_role("HooksRole", env, service, functions))
    layer.publish(HOOKS_ROLE, RoleArn(role.get_att("Arn")))
    return layer
