"""Layer `inbox`: a queue for payments that wait to be processed."""

from cicd_templates.blocks.queues import encrypted_queue, queue_offer, tls_only
from cicd_templates.blocks.removal_policies import stateful
from cicd_templates.config.environment import Environment
from cicd_templates.layer.definition import Layer
from cicd_templates.layer.outputs import Output, QueueArn, Url
from cicd_templates.layer.template import LayerTemplate
from templates import keys

QUEUE_URL = Output(Url, "inbox", "QueueUrl", "Where payments wait")
QUEUE_ARN = Output(QueueArn, "inbox", "QueueArn", "ARN of the queue")
OFFER = queue_offer("inbox", QUEUE_URL, QUEUE_ARN, keys.KEY_ARN)


def build(env: Environment) -> LayerTemplate:
    """Return one queue, encrypted with the environment's key."""
    layer = LayerTemplate(env)
    queue = layer.add(stateful(encrypted_queue("Inbox", env, layer.read(keys.KEY_ARN), "inbox"), env))
    layer.add(tls_only("InboxPolicy", queue))
    layer.publish(QUEUE_URL, Url(queue.ref()))
    layer.publish(QUEUE_ARN, QueueArn(queue.get_att("Arn")))
    return layer


LAYER = Layer("inbox", build, kinds=frozenset({"runtime"}), offers=lambda env: [OFFER])
