"""Layer `notifications`: a topic for each stakeholder group, its subscriptions, and the dead-letter queue."""

from __future__ import annotations

from cicd_templates.blocks.queues import dead_letter_alarm, dead_letter_policy, dead_letter_queue
from cicd_templates.blocks.topics import subscriptions, topic, topic_policy, topic_words
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import title
from cicd_templates.layer.outputs import Output, QueueArn, TopicArn
from cicd_templates.layer.template import LayerTemplate
from templates import keys

DEVELOPERS = Output(TopicArn, "notifications", "DevelopersTopicArn", "Tells the developers about runs and releases")
SECURITY = Output(
    TopicArn,
    "notifications",
    "SecurityTopicArn",
    "Notifies the security team of gate decisions, overridden conditions and images that run without a signature",
)
OPERATIONS = Output(
    TopicArn, "notifications", "OperationsTopicArn", "Notifies the operations team of alarms and stuck runs"
)
DEAD_LETTER_QUEUE = Output(
    QueueArn, "notifications", "DeadLettersQueueArn", "Dead-letter queue of events and invocations that failed"
)


def approvers(environment: str) -> Output[TopicArn]:
    """Return the output with the ARN of the topic that notifies the approvers of a protected environment.

    The topic is in the tools environment.
    """
    return Output(
        TopicArn, "notifications", f"{title(environment)}ApproversTopicArn", "Notifies the approvers of the environment"
    )


def build(env: Environment) -> LayerTemplate:
    """Return the topics, with subscriptions for the configured e-mail addresses, and the dead-letter queue."""
    layer = LayerTemplate(env)
    key = layer.read(keys.KEY_ARN)
    queue = layer.add(dead_letter_queue("DeadLetters", env, key))
    layer.add(dead_letter_policy("DeadLettersPolicy", env, queue))
    layer.publish(DEAD_LETTER_QUEUE, QueueArn(queue.get_att("Arn")))
    groups = {"developers": DEVELOPERS, "security": SECURITY, "operations": OPERATIONS}
    topics = {}
    for group, *environment in topic_words(env):
        topic_resource = layer.add(topic("".join(map(title, [*environment, group])), env, [group, *environment], key))
        # Only the pipeline's approval action publishes to the approvers' topics, and it has its own role.
        layer.add(topic_policy(f"{topic_resource.title}Policy", env, topic_resource, for_events=not environment))
        layer.add_all(subscriptions(topic_resource, _addresses(env, group, *environment), queue))
        if environment:
            layer.publish(approvers(*environment), TopicArn(topic_resource.ref()))
        else:
            layer.publish(groups[group], TopicArn(topic_resource.ref()))
            topics[group] = TopicArn(topic_resource.ref())
    layer.add(dead_letter_alarm("DeadLettersAlarm", env, queue, topics["operations"]))
    return layer


def _addresses(env: Environment, group: str, environment: str | None = None) -> tuple[str, ...]:
    """Return the e-mail addresses of a stakeholder group. `environment` is the environment's name, by default `env`."""
    owner = next(peer for peer in env.peers if peer.name == environment) if environment else env
    addresses: tuple[str, ...] = getattr(owner.settings.stakeholders, group)
    return addresses
