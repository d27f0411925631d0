"""Layer `queues`: the queues between services, each with a dead-letter queue and alarms."""

from __future__ import annotations

from collections.abc import Sequence

from cicd_templates.blocks import queues as blocks
from cicd_templates.blocks.removal_policies import stateful
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import title
from cicd_templates.layer.offers import Offer
from cicd_templates.layer.outputs import MetricName, Output, QueueArn, Url
from cicd_templates.layer.template import LayerTemplate
from templates import keys, notifications


def queue_url(name: str) -> Output[Url]:
    """Return the output for the URL of the queue `name`."""
    return Output(Url, "queues", f"{title(name)}QueueUrl", f"URL of the queue {name}")


def queue_arn(name: str) -> Output[QueueArn]:
    """Return the output for the ARN of the queue `name`."""
    return Output(QueueArn, "queues", f"{title(name)}QueueArn", f"ARN of the queue {name}")


def queue_name(name: str) -> Output[MetricName]:
    """Return the output for the queue's name in CloudWatch metrics. `name` is the queue's name in the configuration."""
    return Output(MetricName, "queues", f"{title(name)}QueueName", f"Name of the queue {name} in CloudWatch metrics")


def offers(env: Environment) -> Sequence[Offer]:
    """Return one offer per queue of `env`: the variables and permissions that services get for the queue."""
    return [
        blocks.queue_offer(name, queue_url(name), queue_arn(name), keys.KEY_ARN, queue_name(name))
        for name in env.queues
    ]


def exists(env: Environment) -> bool:
    """Return whether the configuration has a queue."""
    return bool(env.queues)


def build(env: Environment) -> LayerTemplate:
    """Return the queues. Each queue has its own dead-letter queue for messages that cannot be processed."""
    layer = LayerTemplate(env)
    key = layer.read(keys.KEY_ARN)
    operations = layer.read(notifications.OPERATIONS)
    for name, settings in env.queues.items():
        dead_letters = layer.add(stateful(blocks.dead_letters_of(f"{title(name)}DeadLetters", env, key, name), env))
        layer.add(blocks.tls_only(f"{title(name)}DeadLettersPolicy", dead_letters))
        queue = layer.add(
            stateful(blocks.work_queue(f"{title(name)}Queue", env, key, name, settings, dead_letters), env)
        )
        layer.add(blocks.tls_only(f"{title(name)}QueuePolicy", queue))
        layer.add_all(blocks.work_queue_alarms(env, name, settings, queue, dead_letters, operations))
        layer.publish(queue_url(name), Url(queue.ref()))
        layer.publish(queue_arn(name), QueueArn(queue.get_att("Arn")))
        layer.publish(queue_name(name), MetricName(queue.get_att("QueueName")))
    return layer
