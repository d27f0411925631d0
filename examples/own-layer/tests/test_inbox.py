"""Tests the layer `inbox` with the project's own configuration.

`make verify` runs the tests in templates/extra/tests.
"""

from __future__ import annotations

from cicd_templates.config.load import read_configuration
from cicd_templates.files.paths import CONFIGURATION
from templates.extra import inbox

RUNTIMES = [
    environment for environment in read_configuration(CONFIGURATION).environments if environment.kind == "runtime"
]


def test_every_runtime_environment_has_one_encrypted_queue() -> None:
    for environment in RUNTIMES:
        resources = inbox.build(environment).template.to_dict()["Resources"]
        queues = [resource for resource in resources.values() if resource["Type"] == "AWS::SQS::Queue"]

        assert len(queues) == 1
        assert "KmsMasterKeyId" in queues[0]["Properties"]


def test_the_queue_of_a_protected_environment_survives_its_stack() -> None:
    for environment in RUNTIMES:
        queue = inbox.build(environment).template.resources["Inbox"]

        assert queue.DeletionPolicy == ("RetainExceptOnCreate" if environment.protected else "Delete")
