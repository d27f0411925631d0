"""Layer `scan_gate`: the function that reads the reports of the checks and decides whether a release may continue."""

from __future__ import annotations

import json

from awacs import codepipeline
from troposphere import Sub

from cicd_templates.blocks.alarms import METRIC_NAMESPACE
from cicd_templates.blocks.bucket_access import may_list, may_put, may_read
from cicd_templates.blocks.inlined_scan_gate import scan_gate_source
from cicd_templates.blocks.lambda_functions import Code, inline_function, may_answer_jobs, templates_variables
from cicd_templates.builds.configured_checks import checks_of
from cicd_templates.config import reserved_words
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import TEMPLATES_KEY, artifact_keys, pipeline_arn, pipeline_name, report_artifact
from cicd_templates.layer.iam import allow
from cicd_templates.layer.outputs import FunctionName, ServiceOutput
from cicd_templates.layer.template import LayerTemplate
from templates import keys, notifications, storage

GATE_FUNCTION = ServiceOutput(
    FunctionName, "scan_gate", "GateFunctionName", "Function that judges the scan reports of a release"
)
SCAN_GATE = reserved_words.SCAN_GATE
# The keys of what the function stores, below the service's name: the decision and its summary for each run, and the
# findings of the last releases that passed.
DECISIONS = ("*/summary*.md", "*/verdict*.json", "passed/*.json")
# CodePipeline waits up to 20 minutes for the function's answer, and Lambda lets a function run for up to 15 minutes.
# Reading a dozen reports takes only seconds.
TIMEOUT_SECONDS = 120
# The function reads one report at a time. A report has at most 100 MB, and needs seven times its size in memory.
GATE_MEMORY_MB = 2048


def build(env: Environment, service: Service) -> LayerTemplate:
    """Return the function of the scan gate for one service.

    The function's configuration names the checks whose reports must exist.
    """
    layer = LayerTemplate(env, service)
    key = layer.read(keys.KEY_ARN)
    dead_letters = layer.read(notifications.DEAD_LETTER_QUEUE)
    evidence = layer.read(storage.EVIDENCE_BUCKET)
    reviewed = layer.read(storage.TEMPLATES_BUCKET)
    decisions = [f"{service.name}/{keys}" for keys in DECISIONS]
    checks = checks_of(service)
    expected = {report_artifact(check.name): [check.name, check.format, check.tool or check.format] for check in checks}
    group, role, function = inline_function(
        "ScanGate",
        env,
        Code("joined from src/cicd_templates/functions/scan_gate/", scan_gate_source(check.format for check in checks)),
        may_answer_jobs("AnswerThePipeline"),
        allow(
            "FindTheReports",
            [codepipeline.ListActionExecutions],
            on=Sub(pipeline_arn(env, service.name)),
        ),
        may_read(
            "ReadTheReports",
            layer.read(storage.ARTIFACTS_BUCKET),
            *(artifact_keys(env, service.name, artifact) for artifact in expected),
        ),
        may_put("PutTheDecision", evidence, *decisions),
        # The function compares its decision with the decision of an earlier attempt. If they differ, it stores both.
        may_read("CompareDecisions", evidence, *decisions),
        may_list("FindTheLastRelease", evidence, f"{service.name}/passed/"),
        may_read("SeeWhichTemplatesAreNewest", reviewed, TEMPLATES_KEY),
        name=(service.name, SCAN_GATE),
        key=key,
        dead_letters=dead_letters,
        timeout_seconds=TIMEOUT_SECONDS,
        memory_mb=GATE_MEMORY_MB,
        variables={
            "SERVICE": service.name,
            "CHECKS": json.dumps(expected),
            "EVIDENCE_BUCKET": evidence,
            "PIPELINE": pipeline_name(env, service.name),
            "NAMESPACE": METRIC_NAMESPACE,
            "WAIVER_DAYS": str(env.pipeline.waiver_days),
            "WEAKER_POLICY": env.pipeline.weaker_policy,
            **templates_variables(env, reviewed),
        },
    )
    layer.add_all((group, role, function))
    layer.publish(GATE_FUNCTION, FunctionName(function.ref()))
    return layer
