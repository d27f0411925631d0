"""Keys of a secret's JSON value: ECS gets each key, and the role that starts tasks reads the whole secret."""

from __future__ import annotations

from cicd_templates.template import cloudformation_yaml
from tests.conftest import rendered_stacks
from tests.unit.config.problems import SERVICE

DATABASE = "arn:aws:secretsmanager:eu-central-1:999999999999:secret:pay/database-Ab12Cd"
OTHER = "arn:aws:secretsmanager:eu-central-1:999999999999:secret:other-Ef34Gh"


def test_keys_of_one_secret_are_separate_variables_under_one_right() -> None:
    secrets = {"USER": f"{DATABASE}:username::", "PASSWORD": f"{DATABASE}:password::", "OTHER": OTHER}
    stacks = rendered_stacks((f"{SERVICE}/secrets", secrets))
    (text,) = [stack.text for stack in stacks if stack.path == "production/service-parcel-dispatcher.yaml"]
    found = cloudformation_yaml.load(text)["Resources"]

    (container,) = found["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    assert {each["Name"]: each["ValueFrom"] for each in container["Secrets"]} == secrets
    statements = found["ExecutionRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    (reading,) = [each for each in statements if each["Sid"] == "ReadItsSecrets"]
    assert reading["Resource"] == [DATABASE, OTHER]
