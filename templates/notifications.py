"""Layer `notifications`: a topic for each stakeholder group, who reads it, and the queue of what reached nobody."""

from __future__ import annotations

from troposphere import GetAtt, Template, cloudwatch

from cicd_templates.blocks.alarms import Metric, alarm
from cicd_templates.blocks.queues import dead_letter_policy, dead_letter_queue
from cicd_templates.blocks.topics import subscriptions, topic, topic_policy, topic_words
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import title
from cicd_templates.layer.outputs import Output, QueueArn, TopicArn
from templates import keys

DEVELOPERS = Output(TopicArn, "notifications", "DevelopersTopicArn", "Tells developers how runs and releases went")
SECURITY = Output(TopicArn, "notifications", "SecurityTopicArn", "Tells security of findings and overridden conditions")
OPERATIONS = Output(TopicArn, "notifications", "OperationsTopicArn", "Tells operations of alarms and stuck runs")
DEAD_LETTERS = Output(QueueArn, "notifications", "DeadLettersQueueArn", "Holds events and invocations that failed")


def approvers(environment: str) -> Output[TopicArn]:
    """The topic, in the tools environment, of those who approve releases to a protected `environment`."""
    return Output(TopicArn, "notifications", f"{title(environment)}ApproversTopicArn", "Asks for approvals")


def build(env: Environment) -> Template:
    """The topics, with the e-mail addresses of the configuration, and the queue of dead letters."""
    template = Template()
    key = keys.KEY_ARN.read(template, env)
    queue = template.add_resource(dead_letter_queue("DeadLetters", env, key))
    template.add_resource(dead_letter_policy("DeadLettersPolicy", env, queue))
    DEAD_LETTERS.publish(template, env, QueueArn(queue.get_att("Arn")))
    groups = {"developers": DEVELOPERS, "security": SECURITY, "operations": OPERATIONS}
    for group, *environment in topic_words(env):
        own = template.add_resource(topic("".join(map(title, [*environment, group])), env, [group, *environment], key))
        # Approvers are asked by the pipeline's action, with its own role, and told nothing else.
        template.add_resource(topic_policy(f"{own.title}Policy", env, own, told_by_aws=not environment))
        for subscription in subscriptions(own, _addresses(env, group, *environment)):
            template.add_resource(subscription)
        output = approvers(*environment) if environment else groups[group]
        output.publish(template, env, TopicArn(own.ref()))
    template.add_resource(_dead_letter_alarm(env, template))
    return template


def _dead_letter_alarm(env: Environment, template: Template) -> cloudwatch.Alarm:
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    queue, operations = template.resources["DeadLetters"], template.resources["Operations"]
    metric = Metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": GetAtt(queue, "QueueName")})
    description = "An event or an invocation was lost; it waits in the queue of dead letters"
    return alarm(
        "DeadLettersAlarm", env, ["dead-letters"], description, metric, above=0, tell=[TopicArn(operations.ref())]
    )


def _addresses(env: Environment, group: str, environment: str | None = None) -> tuple[str, ...]:
    """Who reads a topic: a group of this environment, or the approvers of another one."""
    of = next(peer for peer in env.peers if peer.name == environment) if environment else env
    addresses: tuple[str, ...] = getattr(of.settings.stakeholders, group)
    return addresses
