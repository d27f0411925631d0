"""Layer `service`: one application on Fargate; a release changes this layer and no other."""

from __future__ import annotations

from troposphere import Parameter, Template

from cicd_templates.blocks import scaling, tasks
from cicd_templates.blocks.deployments import Traffic, Watch, fargate_service
from cicd_templates.blocks.log_groups import masked_log_group, may_write
from cicd_templates.blocks.repositories import EXECUTION_ROLE, may_pull
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import log_group_name
from cicd_templates.layer.outputs import Output, Url
from templates import cluster, health, hooks, ingress, keys, network, secrets

SERVICE_URL = Output(Url, "service", "ServiceUrl", "Where the service answers; the pipeline's smoke test asks there")


def build(env: Environment, service: Service) -> Template:
    """Starts on the bootstrap image; the pipeline decides `ImageUri` from the first release on."""
    template = Template()
    template.add_parameter(
        Parameter(
            tasks.IMAGE_PARAMETER,
            Type="String",
            Default=service.settings.image,
            AllowedPattern=r"^\S+@sha256:[0-9a-f]{64}$",
            ConstraintDescription="an image by digest",
            Description="The image that runs, by digest; decided by the pipeline and kept by every other update",
        )
    )
    template.add_condition(tasks.BOOTSTRAP_CONDITION, tasks.runs_the_bootstrap_image())
    key = keys.KEY_ARN.read(template, env)
    own = {name: secrets.secret_arn(name).read(template, env, service.name) for name in service.own_secrets}
    secret = tasks.secret_arns(env, service, own)

    log = template.add_resource(masked_log_group("LogGroup", env, log_group_name(env, "service", service.name), key))
    execution = template.add_resource(
        tasks.task_role(
            "ExecutionRole",
            env,
            service,
            EXECUTION_ROLE,
            may_write("WriteTheLog", log),
            *may_pull(env, service),
            *tasks.may_read_secrets(env, key, secret),
        )
    )
    entered = tasks.may_be_entered(env, key) if service.settings.audited_exec else []
    task = template.add_resource(tasks.task_role("TaskRole", env, service, tasks.TASK_ROLE, *entered))
    definition = template.add_resource(
        tasks.task_definition("TaskDefinition", env, service, execution, task, log, secret)
    )
    running = template.add_resource(
        fargate_service(
            "Service",
            env,
            service,
            cluster=cluster.CLUSTER_NAME.read(template, env),
            definition=definition,
            subnets=network.PRIVATE_SUBNET_IDS.read(template, env),
            group=ingress.TASKS_GROUP_ID.read(template, env, service.name),
            traffic=_traffic(template, env, service),
            watch=_watch(template, env, service),
        )
    )
    if service.settings.autoscaling is not None:
        target = template.add_resource(
            scaling.scalable_target("ScalableTarget", env, service, service.settings.autoscaling, running)
        )
        requests = ingress.sides(template, env, service).metrics("RequestCount", "Sum")
        for policy in scaling.policies(env, service, service.settings.autoscaling, target, requests):
            template.add_resource(policy)
    SERVICE_URL.publish(template, env, Url(cluster.BASE_URL.read(template, env)), service.name)
    return template


def _traffic(template: Template, env: Environment, service: Service) -> Traffic:
    return Traffic(
        ingress.PRIMARY.read(template, env, service.name),
        ingress.ALTERNATE.read(template, env, service.name),
        ingress.PRODUCTION_RULE.read(template, env, service.name),
        ingress.TEST_RULE.read(template, env, service.name),
        ingress.INFRASTRUCTURE_ROLE.read(template, env, service.name),
    )


def _watch(template: Template, env: Environment, service: Service) -> Watch:
    settings = service.settings
    return Watch(
        health.ROLLBACK_ALARMS.read(template, env, service.name) if settings.rollback_on_alarm else None,
        {hook: hooks.hook_function(hook).read(template, env, service.name) for hook in settings.hooks},
        hooks.HOOKS_ROLE.read(template, env, service.name) if settings.hooks else None,
    )
