"""Layer `monitoring`: who is told what of a service's pipeline, its history, its alarms and its dashboard."""

from __future__ import annotations

from awacs import codepipeline
from troposphere import AWSHelperFn, Sub, cloudwatch

from cicd_templates.blocks import event_rules
from cicd_templates.blocks.alarms import (
    NAMESPACE,
    Metric,
    alarm,
    arriving_late,
    computed_alarm,
    function_errors,
    telling_of_silence,
)
from cicd_templates.blocks.dashboards import dashboard_body
from cicd_templates.blocks.event_rules import ACTION, RUN, Subject, pattern
from cicd_templates.blocks.functions import inline_function, source
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import physical_name, pipeline_arn, project_name, title
from cicd_templates.layer.iam import allow
from cicd_templates.layer.outputs import KeyArn, TopicArn
from cicd_templates.layer.template import LayerTemplate
from templates import build as builds
from templates import keys, notifications, pipeline, review, scan_gate

# A commit is judged, and every single build ends, in five minutes.
BUDGET_SECONDS = 300
QUEUE_SECONDS = 60
STUCK_SECONDS = 3600
STUCK_EVERY = "rate(5 minutes)"
# Three times in a row that nothing looked for stuck runs.
SILENT_PERIODS = 3
# AWS's own counts arrive minutes after what they count.
LATE_MINUTES = 10
TIMEOUT_SECONDS = 60
RUN_PATHS = {"execution": "$.detail.execution-id", "state": "$.detail.state"}
ACTION_PATHS = RUN_PATHS | {"stage": "$.detail.stage", "action": "$.detail.action"}


def build(env: Environment, service: Service) -> LayerTemplate:
    """Everything here looks at one pipeline and changes nothing of it."""
    layer = LayerTemplate(env, service)
    key = layer.read(keys.KEY_ARN)
    subject = Subject(env, service, layer.read(notifications.DEAD_LETTERS))
    topics = {
        "developers": layer.read(notifications.DEVELOPERS),
        "security": layer.read(notifications.SECURITY),
        "operations": layer.read(notifications.OPERATIONS),
    }
    # The pipeline's creation starts a run that finds no source; what is made after it need not hear of that.
    name = layer.read(pipeline.PIPELINE_NAME)
    _add_messages(layer, subject, topics)
    group, rule = event_rules.history("History", subject, key)
    layer.add(group)
    layer.add(rule)
    _add_functions(layer, subject, key, topics["operations"])
    _add_alarms(layer, subject, topics, name)
    layer.add(
        cloudwatch.Dashboard(
            "Dashboard",
            DashboardName=physical_name(env, "AWS::CloudWatch::Dashboard", service.name),
            DashboardBody=dashboard_body(env.region, subject.pipeline, _projects(env, service)),
        )
    )
    return layer


def _add_messages(layer: LayerTemplate, subject: Subject, topics: dict[str, TopicArn]) -> None:
    """One rule a kind of news, to the groups that care."""

    def groups(*names: str) -> dict[str, TopicArn]:
        return {name: topics[name] for name in names}

    approvals = {"category": ["Approval"]}
    gate = {"stage": [pipeline.GATE], "action": [pipeline.GATE]}
    news = [
        ("RunStarted", "run-started", pattern(subject, RUN, state=["STARTED"]), "run <execution> has started.",
         RUN_PATHS, groups("developers")),
        ("RunRolledBack", "run-rolled-back", pattern(subject, RUN, **event_rules.ROLLBACK),
         "run <execution> takes a stage back to an earlier release: <state>.", RUN_PATHS,
         groups("developers", "operations")),
        ("RunSucceeded", "run-succeeded", pattern(subject, RUN, state=["SUCCEEDED"], **event_rules.NO_ROLLBACK),
         "run <execution> has succeeded: the release is where its path ends.", RUN_PATHS, groups("developers")),
        ("RunFailed", "run-failed", pattern(subject, RUN, state=["FAILED"]), "run <execution> has failed.",
         RUN_PATHS, groups("developers", "operations")),
        ("RunEnded", "run-ended", pattern(subject, RUN, state=["CANCELED", "STOPPED", "SUPERSEDED"]),
         "run <execution> has ended before its end: <state>.", RUN_PATHS, groups("developers")),
        ("GateDecided", "gate-decided", pattern(subject, ACTION, **gate, state=["SUCCEEDED", "FAILED"]),
         "the gate has decided on run <execution>: <state>.", ACTION_PATHS, groups("developers", "security")),
        ("ApprovalNeeded", "approval-needed", pattern(subject, ACTION, type=approvals, state=["STARTED"]),
         "run <execution> waits for an approval in <stage>.", ACTION_PATHS, groups("developers")),
        ("ApprovalGiven", "approval-given", pattern(subject, ACTION, type=approvals, state=["SUCCEEDED", "FAILED"]),
         "the approval of run <execution> in <stage> was answered: <state>.", ACTION_PATHS,
         groups("developers", "security")),
        ("ConditionOverridden", "condition-overridden", event_rules.overriding(subject),
         "<who> has overridden a condition of <stage> in run <execution>.",
         {"who": "$.detail.userIdentity.arn", "stage": "$.detail.requestParameters.stageName",
          "execution": "$.detail.requestParameters.pipelineExecutionId"}, groups("security", "operations")),
        ("PipelineChanged", "pipeline-changed", event_rules.changing(subject),
         "<who> has changed or deleted the pipeline itself: <call>.",
         {"who": "$.detail.userIdentity.arn", "call": "$.detail.eventName"}, groups("security", "operations")),
    ]  # fmt: skip
    for logical_id, purpose, event_pattern, message, paths, told in news:
        layer.add(
            event_rules.telling(
                f"{logical_id}Rule", subject, purpose, event_pattern, message, paths, told, subject.pipeline_page
            )
        )


def _add_functions(layer: LayerTemplate, subject: Subject, key: KeyArn, operations: TopicArn) -> None:
    """The stuck detector on its schedule, and the measure of what an event ends; both write metrics to their log."""
    env, service = subject.env, subject.service
    looking = allow(
        "LookAtThePipeline",
        [codepipeline.ListActionExecutions, codepipeline.ListPipelineExecutions],
        on=Sub(pipeline_arn(env, service.name)),
    )
    variables = {"PIPELINE": subject.pipeline, "NAMESPACE": NAMESPACE}
    finished = {
        "source": ["aws.codepipeline"],
        "detail-type": [ACTION, RUN],
        "detail": {
            "pipeline": [subject.pipeline],
            "state": ["SUCCEEDED", "FAILED"],
            "$or": [{"stage": [{"exists": False}]}, {"stage": [pipeline.GATE], "action": [pipeline.GATE]}],
        },
    }
    calls: dict[str, tuple[str, dict[str, object]]] = {
        "stuck": ("Looks for runs that do not move", {"ScheduleExpression": STUCK_EVERY}),
        "measure": ("Measures what a verdict or the end of a run ends", {"EventPattern": finished}),
    }
    for module, (description, when) in calls.items():
        name = title(module)
        resources = inline_function(
            name,
            env,
            source(module),
            looking,
            name=(service.name, module),
            key=key,
            dead_letters=subject.dead_letters,
            timeout_seconds=TIMEOUT_SECONDS,
            variables=variables,
        )
        _, _, function = layer.add_all(resources)
        layer.add_all(event_rules.calling(f"{name}Rule", subject, module, description, function, **when))
        words = [service.name, module]
        layer.add(function_errors(f"{name}Errors", env, words, function.ref(), [operations]))


def _projects(env: Environment, service: Service) -> dict[str, str]:
    """The names of the projects that a release waits for, by purpose."""
    return {purpose: project_name(env, service.name, purpose) for purpose in builds.purposes(service)}


def _add_alarms(layer: LayerTemplate, subject: Subject, topics: dict[str, TopicArn], name: AWSHelperFn | str) -> None:
    """Names of AWS's metrics and their dimensions are from the documentation that each line cites."""
    env, service = subject.env, subject.service
    operations, developers = [topics["operations"]], [topics["developers"]]
    # https://docs.aws.amazon.com/codepipeline/latest/userguide/metrics-dimensions.html
    failed = Metric("AWS/CodePipeline", "FailedPipelineExecutions", {"PipelineName": name}, "Sum", 60)
    own = {"PipelineName": name}
    counted = computed_alarm(
        "FailureCountedAlarm",
        env,
        [service.name, "failure-counted"],
        "CodePipeline counts a failed run, also when nothing else here has heard of it",
        {"failed": failed, "runs": Metric(NAMESPACE, "RunsInProgress", own, "Maximum", 60)},
        # Our own count is there every five minutes, from this layer's first ones on: the run which the pipeline's
        # creation starts, and which finds no source, is before that.
        "IF(FILL(runs, REPEAT) >= 0, failed)",
        above=0,
        tell=operations,
    )
    layer.add(arriving_late(counted, LATE_MINUTES))
    layer.add(
        alarm(
            "RunFailedAlarm",
            env,
            [service.name, "run-failed"],
            "A run of the pipeline has failed",
            # Measured from the events since this layer is there, so the pipeline's creation is not among them.
            Metric(NAMESPACE, "RunFailed", own, "Sum"),
            above=0,
            tell=[*operations, *developers],
        )
    )
    stuck = alarm(
        "RunStuckAlarm",
        env,
        [service.name, "run-stuck"],
        "A run has not moved for an hour, approvals and locked stages aside; without data nobody looks",
        Metric(NAMESPACE, "OldestRunSeconds", own),
        above=STUCK_SECONDS,
        tell=operations,
    )
    layer.add(telling_of_silence(stuck, SILENT_PERIODS))
    layer.add(
        alarm(
            "VerdictSlowAlarm",
            env,
            [service.name, "verdict-slow"],
            "From release to verdict it took more than five minutes",
            Metric(NAMESPACE, "CommitToVerdictSeconds", own),
            above=BUDGET_SECONDS,
            tell=developers,
        )
    )
    # https://docs.aws.amazon.com/codebuild/latest/userguide/cloudwatch_metrics-codebuild.html: Duration is all phases.
    projects = _projects(env, service)
    for purpose, project in projects.items():
        layer.add(
            alarm(
                f"{title(purpose)}SlowAlarm",
                env,
                [service.name, purpose, "slow"],
                f"A build of {purpose} took more than five minutes",
                Metric("AWS/CodeBuild", "Duration", {"ProjectName": project}),
                above=BUDGET_SECONDS,
                tell=developers,
            )
        )
    queued = {
        f"q{number}": Metric("AWS/CodeBuild", "QueuedDuration", {"ProjectName": project})
        for number, project in enumerate(projects.values())
    }
    layer.add(
        computed_alarm(
            "BuildsQueuedAlarm",
            env,
            [service.name, "builds-queued"],
            "A build waited more than a minute for capacity: the account's CodeBuild quota is short",
            queued,
            "MAX(METRICS())",
            above=QUEUE_SECONDS,
            tell=operations,
        )
    )
    gate = layer.read(scan_gate.GATE_FUNCTION)
    told = [*operations, topics["security"]]
    layer.add(function_errors("GateErrors", env, [service.name, scan_gate.GATE], gate, told))
    layer.add(
        alarm(
            "GateCannotJudgeAlarm",
            env,
            [service.name, scan_gate.GATE, "cannot-judge"],
            "The gate answered that it could not judge a release; for Lambda that is no error",
            Metric(NAMESPACE, "GateErrors", own, "Sum"),
            above=0,
            tell=told,
        )
    )
    if review.exists(env):
        function = layer.read(review.REVIEW_FUNCTION)
        layer.add(function_errors("ReviewErrors", env, [service.name, review.REVIEW], function, operations))
        layer.add(
            alarm(
                "ReviewCannotDescribeAlarm",
                env,
                [service.name, review.REVIEW, "cannot-describe"],
                "A change set could not be described to its approver; for Lambda that is no error",
                Metric(NAMESPACE, "ReviewErrors", own, "Sum"),
                above=0,
                tell=operations,
            )
        )
