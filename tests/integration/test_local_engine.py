"""The engine: its reset, and the commands that start and stop it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from cicd_templates.deploy.aws.clients import local_clients
from cicd_templates.deploy.plans.rule_priorities import RULE, find_taken_priorities
from cicd_templates.local import engine_process as engines
from cicd_templates.local import engine_state_file
from cicd_templates.template.changes.impact import Change
from tests.conftest import PROJECT
from tests.fakes.rendered_stacks import rendered
from tests.integration.conftest import ENGINE_PYTHON, Project

pytestmark = [pytest.mark.integration, pytest.mark.long]


def test_a_reset_forgets_every_resource_and_every_record() -> None:
    with engines.running(python=ENGINE_PYTHON) as engine:
        clients = local_clients(engine.url, "123456789012", "eu-central-1", engine.secret)
        clients.s3.create_bucket(Bucket="a-bucket", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        engine.record.add({"type": "T", "id": "i", "account": "a"})
        engine.reset()

        assert clients.s3.list_buckets()["Buckets"] == []
        assert engine.record.entries() == []
    assert not engine.folder.exists()
    assert not engines.alive(engine.pid)


def test_two_rules_of_one_listener_cannot_have_the_same_priority_and_a_plan_sees_it() -> None:
    with engines.running(python=ENGINE_PYTHON) as engine:
        clients: Any = local_clients(engine.url, "222222222222", "eu-central-1", engine.secret)
        subnet = clients.ec2.describe_subnets()["Subnets"][0]["SubnetId"]
        balancer = clients.elbv2.create_load_balancer(Name="web", Subnets=[subnet])["LoadBalancers"][0]
        action = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
        listener = clients.elbv2.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=[action]
        )["Listeners"][0]["ListenerArn"]
        rule = {
            "ListenerArn": listener,
            "Priority": 93,
            "Conditions": [{"Field": "path-pattern", "Values": ["/a/*"]}],
            "Actions": [action],
        }
        held = clients.elbv2.create_rule(**rule)["Rules"][0]["RuleArn"]
        path = "/shipping/staging/ingress-labels/ProductionRuleArn"
        clients.ssm.put_parameter(Name=path, Value=held, Type="String")

        with pytest.raises(ClientError, match=r"\(PriorityInUse\).*: Priority '93' is currently in use"):
            clients.elbv2.create_rule(**rule)
        stack = rendered("ingress", service="stickers", resources={"Rule": {"Type": RULE, "Properties": rule}})
        clients.cloudformation.create_stack(StackName=stack.name, TemplateBody=stack.text, OnFailure="DO_NOTHING")
        with pytest.raises(WaiterError):
            clients.cloudformation.get_waiter("stack_create_complete").wait(
                StackName=stack.name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
            )
        events = clients.cloudformation.describe_stack_events(StackName=stack.name)["StackEvents"]
        assert any("Priority '93' is currently in use" in event.get("ResourceStatusReason", "") for event in events)
        report = find_taken_priorities(clients, stack, [Change("Add", "Rule", RULE)], {})
        assert (
            "because the stack ingress-labels has this priority on the same listener; write `priority = 94`"
            in report.taken[0]
        )


def test_kms_verifies_a_signature_only_of_the_same_digest_by_the_same_enabled_key() -> None:
    with engines.running(python=ENGINE_PYTHON) as engine:
        kms: Any = local_clients(engine.url, "111111111111", "eu-central-1", engine.secret).kms
        one, other = (
            kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"] for _ in range(2)
        )
        asked = {"Message": b"a" * 32, "MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256"}
        signature = kms.sign(KeyId=one, **asked)["Signature"]

        answer = kms.verify(KeyId=one, Signature=signature, **asked)
        assert (answer["SignatureValid"], answer["KeyId"]) == (True, one)
        for wrong in (
            {"KeyId": one, "Signature": signature, **asked, "Message": b"b" * 32},
            {"KeyId": other, "Signature": signature, **asked},
            {"KeyId": one, "Signature": b"x", **asked},
        ):
            with pytest.raises(ClientError, match="KMSInvalidSignatureException"):
                kms.verify(**wrong)
        kms.disable_key(KeyId=one)
        with pytest.raises(ClientError, match="DisabledException"):
            kms.verify(KeyId=one, Signature=signature, **asked)


# The process is meant to outlive the command that started it; Python warns about that.
@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
def test_local_starts_once_and_stops_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    engine_state_file.forget()
    monkeypatch.setattr("cicd_templates.local.engine_process.DEFAULT_PYTHON", ENGINE_PYTHON)
    assert "no local AWS is running" in project.ok("local-stop")
    refused = project.type("status --local")
    assert refused.exit_code == 1
    assert "no local AWS is running; start it with `make local`" in refused.output

    started = project.ok("local")
    engine = engine_state_file.required()
    assert str(engine.pid) in started
    assert "is running already" in project.ok("local")
    assert "stopped the local AWS" in project.ok("local-stop")
    assert not Path(".state/local.json").exists()
    assert not engine.folder.exists()


def test_the_demo_is_one_command(in_project: Path) -> None:
    from click.testing import CliRunner

    from cicd_templates.cli import main

    first = CliRunner().invoke(main, ["demo"])
    assert first.exit_code == 0, first.output
    events = Path(".state/demo.txt").read_text()
    assert "wrote out/staging/keys.yaml" in events
    stacks = len(list((PROJECT / "out").glob("*/*.yaml")))
    assert events.count(": created, ") == stacks
    assert events.count(": nothing to change") == stacks
    assert events.count("left of ") == 3
    assert "storage: emptied shipping-staging-uploads-222222222222-eu-central-1 (4 objects)" in events
    assert "found no further change, destroyed them" in first.output
