"""Layer `scan_gate`: the function that decides, from the reports of a release's checks, whether it may go on."""

from __future__ import annotations

import json

from troposphere import Template

from cicd_templates.blocks.alarms import NAMESPACE
from cicd_templates.blocks.bucket_access import may_put, may_read
from cicd_templates.blocks.functions import Code, inline_function, may_answer_jobs
from cicd_templates.blocks.inlining import joined_gate
from cicd_templates.builds.presets import checks_of
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import pipeline_name, title
from cicd_templates.layer.outputs import FunctionName, Output
from templates import keys, notifications, storage

GATE_FUNCTION = Output(FunctionName, "scan_gate", "GateFunctionName", "Judges the reports of a release")
GATE = "scan-gate"
# CodePipeline waits 20 minutes for an answer and Lambda 15 at most; reading five reports takes seconds.
TIMEOUT_SECONDS = 120
# One report at a time, of 100 MB at most, takes seven times its size.
MEMORY_MB = 2048


def report_artifact(check: str) -> str:
    """The artifact in which a check hands on its report."""
    return f"{title(check)}Report"


def build(env: Environment, service: Service) -> Template:
    """One function a service, which knows the checks that must have reported."""
    template = Template()
    key = keys.KEY_ARN.read(template, env)
    dead_letters = notifications.DEAD_LETTERS.read(template, env)
    evidence = storage.EVIDENCE_BUCKET.read(template, env)
    checks = checks_of(service)
    expected = {report_artifact(check.name): [check.name, check.format] for check in checks}
    resources = inline_function(
        "ScanGate",
        env,
        Code("joined from src/cicd_templates/functions/scan_gate/", joined_gate(check.format for check in checks)),
        may_answer_jobs("AnswerThePipeline"),
        may_put("PutEvidence", evidence, f"{service.name}/*"),
        # An earlier attempt's, which a decision that differs must not pass for.
        may_read("CompareEvidence", evidence, f"{service.name}/*"),
        name=(service.name, GATE),
        key=key,
        dead_letters=dead_letters,
        timeout_seconds=TIMEOUT_SECONDS,
        memory_mb=MEMORY_MB,
        variables={
            "SERVICE": service.name,
            "CHECKS": json.dumps(expected),
            "EVIDENCE_BUCKET": evidence,
            "PIPELINE": pipeline_name(env, service.name),
            "NAMESPACE": NAMESPACE,
        },
    )
    for resource in resources:
        template.add_resource(resource)
    GATE_FUNCTION.publish(template, env, FunctionName(resources[-1].ref()), service.name)
    return template
