"""Layer `keys`: the customer-managed key that encrypts everything in the environment."""

from __future__ import annotations

from troposphere import GetAtt

from cicd_templates.blocks import databases
from cicd_templates.blocks.image_hooks import hooks_may_decrypt_statements
from cicd_templates.blocks.keys import (
    alarms_and_rules_may_publish,
    customer_key,
    delivery_roles_may_decrypt,
    fargate_may_encrypt,
    key_alias,
    logs_may_encrypt,
    rules_may_send_dead_letters,
    topics_may_send_dead_letters,
)
from cicd_templates.blocks.queues import DEAD_LETTERS
from cicd_templates.blocks.topics import topic_words
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import cluster_name, log_group_name, name_prefix, physical_name
from cicd_templates.layer.outputs import KeyArn, Output
from cicd_templates.layer.template import LayerTemplate

KEY_ARN = Output(KeyArn, "keys", "KeyArn", "Encrypts everything in the environment")


def build(env: Environment) -> LayerTemplate:
    """Return the environment's key and its alias."""
    layer = LayerTemplate(env)
    cluster = cluster_name(env)
    log_groups = [log_group_name(env, "*")]
    topics = [physical_name(env, "AWS::SNS::Topic", *words) for words in topic_words(env)]
    statements = [
        alarms_and_rules_may_publish(env, *topics),
        rules_may_send_dead_letters(env, physical_name(env, "AWS::SQS::Queue", DEAD_LETTERS)),
        topics_may_send_dead_letters(env, physical_name(env, "AWS::SQS::Queue", DEAD_LETTERS)),
    ]
    if env.kind == "runtime":
        # Container Insights writes to the log group of this name. The name cannot be changed.
        log_groups.append(f"/aws/ecs/containerinsights/{cluster}/performance")
        if env.databases:
            log_groups.append(databases.log_groups(env))
        statements += fargate_may_encrypt(env, cluster)
    else:
        # EventBridge writes only to log groups whose names begin with /aws/events/.
        log_groups.append(f"/aws/events/{name_prefix(env)}-*")
        statements += [delivery_roles_may_decrypt(env, *env.route), *hooks_may_decrypt_statements(env)]
    key = layer.add(customer_key("Key", env, logs_may_encrypt(env, *log_groups), *statements))
    layer.add(key_alias("KeyAlias", env, key))
    layer.publish(KEY_ARN, KeyArn(GetAtt(key, "Arn")))
    return layer
