"""Layer `hooks`: what must agree to a release of one service before clients ask it."""

from __future__ import annotations

from troposphere import GetAtt, Template

from cicd_templates.blocks import release_hooks
from cicd_templates.blocks.alarms import function_errors
from cicd_templates.blocks.deployments import hooks_role
from cicd_templates.blocks.event_rules import Subject
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import title
from cicd_templates.layer.outputs import FunctionArn, Output, RoleArn
from templates import cluster, keys, network, notifications

HOOKS_ROLE = Output(RoleArn, "hooks", "HooksRoleArn", "With it ECS calls the functions that must agree to a release")


def hook_function(hook: str) -> Output[FunctionArn]:
    """The function behind a hook of the configuration."""
    return Output(FunctionArn, "hooks", f"{title(hook)}FunctionArn", "Must agree to a release")


def needed(service: Service) -> bool:
    """Where the configuration names one. A stack that is not needed any more stays until its service has let go."""
    return bool(service.settings.hooks)


def build(env: Environment, service: Service) -> Template:
    """The functions, the alarm on each, and the role with which ECS calls them."""
    template = Template()
    subject = Subject(env, service, notifications.DEAD_LETTERS.read(template, env))
    operations = notifications.OPERATIONS.read(template, env)
    key = keys.KEY_ARN.read(template, env)
    made = []
    for hook in service.settings.hooks:
        if hook == release_hooks.SMOKE:
            vpc = network.VPC_ID.read(template, env)
            group = template.add_resource(release_hooks.smoke_group("SmokeGroup", env, service, vpc))
            balancer = cluster.BALANCER_HOST.read(template, env)
            subnets = network.PRIVATE_SUBNET_IDS.read(template, env)
            resources = release_hooks.smoke(subject, key, balancer, subnets, group)
        else:
            resources = release_hooks.verify_image(subject, key)
        for resource in resources:
            template.add_resource(resource)
        function = resources[-1]
        words = [service.name, hook]
        template.add_resource(function_errors(f"{title(hook)}Errors", env, words, function.ref(), [operations]))
        made.append(FunctionArn(GetAtt(function, "Arn")))
        hook_function(hook).publish(template, env, made[-1], service.name)
    role = template.add_resource(hooks_role("HooksRole", env, service, made))
    HOOKS_ROLE.publish(template, env, RoleArn(role.get_att("Arn")), service.name)
    return template
