"""Layer `notifications`: a topic for each stakeholder group, and who reads it."""

from __future__ import annotations

from troposphere import Template

from cicd_templates.blocks.topics import subscriptions, topic, topic_policy
from cicd_templates.environment import Environment
from cicd_templates.outputs import Output, TopicArn
from templates import keys

DEVELOPERS = Output(TopicArn, "notifications", "DevelopersTopicArn", "Tells developers how runs and releases went")
SECURITY = Output(TopicArn, "notifications", "SecurityTopicArn", "Tells security of findings and overridden conditions")
OPERATIONS = Output(TopicArn, "notifications", "OperationsTopicArn", "Tells operations of alarms and stuck runs")


def build(env: Environment) -> Template:
    """The three topics, with the e-mail addresses of the configuration."""
    template = Template()
    key = keys.KEY_ARN.read(template, env)
    stakeholders = env.settings.stakeholders
    groups = {
        "developers": (DEVELOPERS, stakeholders.developers),
        "security": (SECURITY, stakeholders.security),
        "operations": (OPERATIONS, stakeholders.operations),
    }
    for group, (output, addresses) in groups.items():
        own = template.add_resource(topic(group.capitalize(), env, group, key))
        template.add_resource(topic_policy(f"{own.title}Policy", env, own))
        for subscription in subscriptions(own, addresses):
            template.add_resource(subscription)
        output.publish(template, env, TopicArn(own.ref()))
    return template
