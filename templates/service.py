"""Layer `service`: one application on Fargate behind the shared load balancer."""

from __future__ import annotations

from troposphere import Parameter, Template

from cicd_templates.blocks import load_balancers, tasks
from cicd_templates.blocks.logs import log_group, may_write
from cicd_templates.blocks.repositories import EXECUTION_ROLE, may_pull
from cicd_templates.environment import Environment, Service
from cicd_templates.naming import log_group_name
from cicd_templates.outputs import Output, Url
from templates import cluster, keys, network

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
    vpc = network.VPC_ID.read(template, env)
    subnets = network.PRIVATE_SUBNET_IDS.read(template, env)
    cluster_name = cluster.CLUSTER_NAME.read(template, env)
    listener = cluster.LISTENER_ARN.read(template, env)
    balancer_group = cluster.BALANCER_GROUP_ID.read(template, env)

    log = template.add_resource(log_group("LogGroup", env, log_group_name(env, "service", service.name), key))
    execution = template.add_resource(
        tasks.task_role(
            "ExecutionRole", env, service, EXECUTION_ROLE, may_write("WriteTheLog", log), *may_pull(env, service)
        )
    )
    task = template.add_resource(tasks.task_role("TaskRole", env, service, tasks.TASK_ROLE))
    definition = template.add_resource(tasks.task_definition("TaskDefinition", env, service, execution, task, log))

    group = template.add_resource(tasks.tasks_group("TaskGroup", env, service, vpc))
    way_in, way_out = load_balancers.admitted(service, group, balancer_group)
    template.add_resource(way_in)
    template.add_resource(way_out)
    targets = template.add_resource(load_balancers.target_group("TargetGroup", env, service, vpc))
    rule = template.add_resource(load_balancers.listener_rule("ListenerRule", service, listener, targets))
    template.add_resource(
        tasks.fargate_service(
            "Service",
            env,
            service,
            cluster=cluster_name,
            definition=definition,
            subnets=subnets,
            group=group,
            targets=targets,
            after=[rule, way_in, way_out],
        )
    )
    SERVICE_URL.publish(template, env, Url(cluster.BASE_URL.read(template, env)), service.name)
    return template
