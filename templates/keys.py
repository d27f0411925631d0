"""Layer `keys`: the customer-managed key that encrypts everything in the environment."""

from __future__ import annotations

from troposphere import GetAtt, Template

from cicd_templates.blocks.keys import (
    customer_key,
    fargate_may_encrypt,
    key_alias,
    logs_may_encrypt,
    topics_may_be_published_to,
)
from cicd_templates.config import StakeholdersTable
from cicd_templates.environment import Environment
from cicd_templates.naming import log_group_name, physical_name
from cicd_templates.outputs import KeyArn, Output

KEY_ARN = Output(KeyArn, "keys", "KeyArn", "Encrypts everything in the environment")


def build(env: Environment) -> Template:
    """The environment's key and its alias."""
    template = Template()
    cluster = physical_name(env, "AWS::ECS::Cluster", "cluster")
    log_groups = [log_group_name(env, "*")]
    topics = [physical_name(env, "AWS::SNS::Topic", group) for group in StakeholdersTable.model_fields]
    statements = [topics_may_be_published_to(env, *topics)]
    if env.kind == "runtime":
        # Container Insights writes to a group whose name AWS fixes.
        log_groups.append(f"/aws/ecs/containerinsights/{cluster}/performance")
        statements += fargate_may_encrypt(env, cluster)
    key = template.add_resource(customer_key("Key", env, logs_may_encrypt(env, *log_groups), *statements))
    template.add_resource(key_alias("KeyAlias", env, key))
    KEY_ARN.publish(template, env, KeyArn(GetAtt(key, "Arn")))
    return template
