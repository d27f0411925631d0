"""Layer `service`: one application on Fargate, which each release updates."""

from __future__ import annotations

from collections.abc import Sequence

from troposphere import ecs

from cicd_templates.blocks import autoscaling, jobs, task_definitions, task_runs
from cicd_templates.blocks.ecs_services import Safeguards, Traffic, fargate_service
from cicd_templates.blocks.repositories import EXECUTION_ROLE
from cicd_templates.blocks.task_parts import TASK_ROLE, may_open_exec_sessions, task_parts
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import log_group_name
from cicd_templates.config.routes import base_path
from cicd_templates.config.tables.job import JobTable
from cicd_templates.layer.offers import Use, backlogs
from cicd_templates.layer.outputs import KeyArn, ServiceOutput, Url, joined_text
from cicd_templates.layer.template import LayerTemplate
from templates import cluster, health, hooks, ingress, keys, network, schedule, secrets

SERVICE_URL = ServiceOutput(
    Url, "service", "ServiceUrl", "Address of the service for clients and the pipeline's smoke test"
)


def build(env: Environment, service: Service, uses: Sequence[Use] = ()) -> LayerTemplate:
    """Return the service. Its tasks get the address of each resource in `uses`, and the permissions to use it.

    The service runs the bootstrap image until its first release. In each release, the pipeline sets `ImageUri`.
    """
    layer = LayerTemplate(env, service)
    layer.add_parameter(task_definitions.image_parameter(service))
    layer.add_condition(task_definitions.BOOTSTRAP_CONDITION, task_definitions.bootstrap_image_condition())
    key = layer.read(keys.KEY_ARN)
    own_secrets = {name: layer.read(secrets.secret_arn(name)) for name in service.own_secrets}
    parts = task_parts(
        layer,
        service,
        key,
        own_secrets,
        uses,
        log=log_group_name(env, "service", service.name),
        starting=[EXECUTION_ROLE],
        running=[TASK_ROLE],
        grants=may_open_exec_sessions(env, key) if service.settings.audited_exec else [],
        containers=service.settings.containers,
        images=[service.settings.image],
    )
    layer.add_all(parts.resources)
    definition = layer.add(task_definitions.task_definition("TaskDefinition", env, service, parts))
    job = service.settings.job
    if job is not None:
        _add_schedule(layer, service, job, definition, key)
        return layer
    running = layer.add(
        fargate_service(
            "Service",
            env,
            service,
            cluster=layer.read(cluster.CLUSTER_NAME),
            definition=definition,
            subnets=layer.read(network.PRIVATE_SUBNET_IDS),
            group=layer.read(ingress.TASKS_GROUP_ID),
            traffic=_traffic(layer) if service.settings.is_web else None,
            safeguards=_safeguards(layer, service),
        )
    )
    scales = service.settings.autoscaling
    if scales is not None:
        target = layer.add(autoscaling.scalable_target("ScalableTarget", env, service, scales, running))
        # These values are read only if a policy uses them, because cfn-lint reports an unused parameter.
        counted = scales.requests_per_target is not None
        requests = ingress.target_group_metrics(layer).metrics("RequestCount", "Sum") if counted else []
        queues = {} if service.settings.is_web else {name: layer.read(queue) for name, queue in backlogs(uses).items()}
        layer.add_all(autoscaling.scaling_policies(env, service, scales, target, requests, queues))
    if service.settings.is_web:
        address = layer.read(cluster.BASE_URL)
        folder = base_path(service.settings.path_pattern)
        layer.publish(SERVICE_URL, Url(joined_text(address, folder)) if folder else address)
    return layer


def _add_schedule(
    layer: LayerTemplate, service: Service, job: JobTable, definition: ecs.TaskDefinition, key: KeyArn
) -> None:
    """Add the schedule that runs `definition`, and the outputs that the pipeline needs to run `definition` once."""
    subnets, group = layer.read(network.PRIVATE_SUBNET_IDS), layer.read(ingress.TASKS_GROUP_ID)
    layer.add(
        jobs.job_schedule(
            "Schedule",
            layer.env,
            service,
            job,
            definition=definition,
            group=layer.read(schedule.GROUP_NAME),
            role=layer.read(schedule.ROLE_ARN),
            dead_letters=layer.read(schedule.DEAD_LETTERS_ARN),
            key=key,
            subnets=subnets,
            security_group=group,
        )
    )
    for output in task_runs.outputs(definition, subnets, group):
        layer.template.add_output(output)


def _traffic(layer: LayerTemplate) -> Traffic:
    return Traffic(
        layer.read(ingress.PRIMARY),
        layer.read(ingress.ALTERNATE),
        layer.read(ingress.PRODUCTION_RULE),
        layer.read(ingress.TEST_RULE),
        layer.read(ingress.INFRASTRUCTURE_ROLE),
    )


def _safeguards(layer: LayerTemplate, service: Service) -> Safeguards:
    settings = service.settings
    return Safeguards(
        layer.read(health.ROLLBACK_ALARMS) if settings.has_rollback_alarms else None,
        {hook: layer.read(hooks.hook_function(hook)) for hook in settings.hooks},
        layer.read(hooks.HOOKS_ROLE) if settings.hooks else None,
    )
