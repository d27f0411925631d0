"""Layer `keys`: the customer-managed key that encrypts everything in the environment."""

from __future__ import annotations

from troposphere import GetAtt

from cicd_templates.blocks.keys import (
    customer_key,
    fargate_may_encrypt,
    key_alias,
    logs_may_encrypt,
    queue_may_be_sent_to,
    roles_may_read_buckets,
    topics_may_be_published_to,
)
from cicd_templates.blocks.queues import DEAD_LETTERS
from cicd_templates.blocks.topics import topic_words
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import cluster_name, log_group_name, name_prefix, physical_name
from cicd_templates.layer.outputs import KeyArn, Output
from cicd_templates.layer.template import LayerTemplate

KEY_ARN = Output(KeyArn, "keys", "KeyArn", "Encrypts everything in the environment")


def build(env: Environment) -> LayerTemplate:
    """The environment's key and its alias."""
    layer = LayerTemplate(env)
    cluster = cluster_name(env)
    log_groups = [log_group_name(env, "*")]
    topics = [physical_name(env, "AWS::SNS::Topic", *words) for words in topic_words(env)]
    statements = [
        topics_may_be_published_to(env, *topics),
        queue_may_be_sent_to(env, physical_name(env, "AWS::SQS::Queue", DEAD_LETTERS)),
    ]
    if env.kind == "runtime":
        # Container Insights writes to a group whose name AWS fixes.
        log_groups.append(f"/aws/ecs/containerinsights/{cluster}/performance")
        statements += fargate_may_encrypt(env, cluster)
    else:
        # EventBridge writes to groups of these names only.
        log_groups.append(f"/aws/events/{name_prefix(env)}-*")
        statements.append(roles_may_read_buckets(env, *env.route))
    key = layer.add(customer_key("Key", env, logs_may_encrypt(env, *log_groups), *statements))
    layer.add(key_alias("KeyAlias", env, key))
    layer.publish(KEY_ARN, KeyArn(GetAtt(key, "Arn")))
    return layer
