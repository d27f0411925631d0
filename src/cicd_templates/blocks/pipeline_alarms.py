"""Creates the alarms of a service's pipeline. They monitor its runs, its builds, and the functions that it invokes.

A comment beside each AWS metric has a link to AWS's documentation of the metric.
"""

from __future__ import annotations

from collections.abc import Mapping

from troposphere import AWSHelperFn, cloudwatch

from cicd_templates.blocks.alarms import (
    METRIC_NAMESPACE,
    Metric,
    alarm,
    computed_alarm,
    function_error_alarm,
    late_data_alarm,
    missing_data_alarm,
)
from cicd_templates.blocks.event_rules import MonitoredService
from cicd_templates.config.naming import title
from cicd_templates.layer.outputs import FunctionName, PipelineName, TopicArn

# The longest time from a release to its verdict. A single build may take equally long.
BUDGET_SECONDS = 300
QUEUE_SECONDS = 60
STUCK_SECONDS = 3600
# After this many periods without a value, an alarm reports that the function that finds stuck runs does not run.
SILENT_PERIODS = 3
# The values of AWS's own metrics arrive minutes after the events that they count.
LATE_MINUTES = 10


def run_alarms(
    monitored: MonitoredService, pipeline: PipelineName, topics: Mapping[str, TopicArn]
) -> list[cloudwatch.Alarm]:
    """Return alarms on failed pipeline runs, stuck pipeline runs, and late verdicts of the scan gate."""
    env, service = monitored.env, monitored.service.name
    operations, developers = topics["operations"], topics["developers"]
    dimensions = {"PipelineName": pipeline}
    # https://docs.aws.amazon.com/codepipeline/latest/userguide/metrics-dimensions.html
    failed = Metric("AWS/CodePipeline", "FailedPipelineExecutions", dimensions, "Sum", 60)
    counted = computed_alarm(
        "FailureCountedAlarm",
        env,
        [service, "failure-counted"],
        "CodePipeline counted a failed run; the other alarms may have missed it",
        {"failed": failed, "runs": Metric(METRIC_NAMESPACE, "RunsInProgress", dimensions, "Maximum", 60)},
        # When the pipeline is created, it starts a run that fails, because there is no source yet. RunsInProgress has
        # its first value later, after this layer was created. So the alarm does not count this first run.
        "IF(FILL(runs, REPEAT) >= 0, failed)",
        above=0,
        tell=[operations],
    )
    run_failed = alarm(
        "RunFailedAlarm",
        env,
        [service, "run-failed"],
        "A run of the pipeline has failed",
        # This metric counts only events that arrive after this layer was created. The first run of the pipeline, which
        # fails because there is no source yet, is earlier and is not counted.
        Metric(METRIC_NAMESPACE, "RunFailed", dimensions, "Sum"),
        above=0,
        tell=[operations, developers],
    )
    stuck = alarm(
        "RunStuckAlarm",
        env,
        [service, "run-stuck"],
        "A pipeline run has been stuck for an hour, or the function that finds stuck runs has stopped",
        Metric(METRIC_NAMESPACE, "OldestRunSeconds", dimensions),
        above=STUCK_SECONDS,
        tell=[operations],
    )
    verdict_slow = alarm(
        "VerdictSlowAlarm",
        env,
        [service, "verdict-slow"],
        "The verdict of the gate came more than five minutes after the release",
        Metric(METRIC_NAMESPACE, "CommitToVerdictSeconds", dimensions),
        above=BUDGET_SECONDS,
        tell=[developers],
    )
    return [
        late_data_alarm(counted, LATE_MINUTES),
        run_failed,
        missing_data_alarm(stuck, SILENT_PERIODS),
        verdict_slow,
    ]


def build_alarms(
    monitored: MonitoredService, projects: Mapping[str, str], topics: Mapping[str, TopicArn]
) -> list[cloudwatch.Alarm]:
    """Return alarms on builds that take too long, and on builds that wait too long for capacity.

    `projects` maps each purpose, such as `image`, to the name of its CodeBuild project. CodeBuild's metric `Duration`
    covers all phases of a build:
    https://docs.aws.amazon.com/codebuild/latest/userguide/cloudwatch_metrics-codebuild.html
    """
    env, service = monitored.env, monitored.service.name
    slow = [
        alarm(
            f"{title(purpose)}SlowAlarm",
            env,
            [service, purpose, "slow"],
            f"A build of {purpose} took more than five minutes",
            Metric("AWS/CodeBuild", "Duration", {"ProjectName": project}),
            above=BUDGET_SECONDS,
            tell=[topics["developers"]],
        )
        for purpose, project in projects.items()
    ]
    queued = computed_alarm(
        "BuildsQueuedAlarm",
        env,
        [service, "builds-queued"],
        "A build waited more than a minute for capacity: the account's CodeBuild quota may be too small",
        {
            f"q{number}": Metric("AWS/CodeBuild", "QueuedDuration", {"ProjectName": project})
            for number, project in enumerate(projects.values())
        },
        "MAX(METRICS())",
        above=QUEUE_SECONDS,
        tell=[topics["operations"]],
    )
    return [*slow, queued]


def gate_alarms(
    monitored: MonitoredService,
    word: str,
    function: FunctionName,
    pipeline: PipelineName,
    topics: Mapping[str, TopicArn],
) -> list[cloudwatch.Alarm]:
    """Return alarms on errors of the scan gate, and on releases for which the gate could not reach a verdict.

    `word` is the word for the gate's Lambda function in the names of the alarms.
    """
    notified = [topics["operations"], topics["security"]]
    cannot_judge = _failed_job_alarm(
        "GateCannotJudgeAlarm",
        monitored,
        [word, "cannot-judge"],
        "The gate could not judge a release; Lambda does not count this as an error of the function",
        "GateErrors",
        pipeline,
        notified,
    )
    return [_error_alarm("GateErrors", monitored, word, function, notified), cannot_judge]


def review_alarms(
    monitored: MonitoredService,
    word: str,
    function: FunctionName,
    pipeline: PipelineName,
    topics: Mapping[str, TopicArn],
) -> list[cloudwatch.Alarm]:
    """Return alarms on errors of the review function, and on change sets that the function could not describe."""
    notified = [topics["operations"]]
    cannot_describe = _failed_job_alarm(
        "ReviewCannotDescribeAlarm",
        monitored,
        [word, "cannot-describe"],
        "The review could not describe a change set to the approvers; Lambda's error metric does not count this",
        "ReviewErrors",
        pipeline,
        notified,
    )
    return [_error_alarm("ReviewErrors", monitored, word, function, notified), cannot_describe]


def approval_check_alarms(
    monitored: MonitoredService,
    word: str,
    function: FunctionName,
    pipeline: PipelineName,
    topics: Mapping[str, TopicArn],
) -> list[cloudwatch.Alarm]:
    """Return alarms on errors of the approval check, and on pipeline stages that the check stopped."""
    notified = [topics["operations"], topics["security"]]
    not_approved = _failed_job_alarm(
        "NotApprovedAlarm",
        monitored,
        [word, "not-approved"],
        "A stage was stopped: a change set was unsigned or not approved, or could not be checked",
        "ApprovalCheckErrors",
        pipeline,
        notified,
    )
    return [_error_alarm("ApprovalCheckErrors", monitored, word, function, notified), not_approved]


def signer_alarm(
    monitored: MonitoredService, word: str, pipeline: PipelineName, topics: Mapping[str, TopicArn]
) -> cloudwatch.Alarm:
    """Return the alarm that fires if the signer cannot sign a release, or cannot read the state of an alarm.

    The layer `signer` has another alarm, for errors of the signer's function.
    """
    return _failed_job_alarm(
        "SignerCannotSignAlarm",
        monitored,
        [word, "cannot-sign"],
        "The signer could not sign a release, or could not read the states of the service's alarms",
        "SignerErrors",
        pipeline,
        [topics["operations"], topics["security"]],
    )


def _failed_job_alarm(
    logical_id: str,
    monitored: MonitoredService,
    words: list[str],
    description: str,
    metric_name: str,
    pipeline: PipelineName,
    notified: list[TopicArn],
) -> cloudwatch.Alarm:
    """Return an alarm on failed pipeline jobs. A function counts these failures in the metric `metric_name`."""
    words = [monitored.service.name, *words]
    metric = Metric(METRIC_NAMESPACE, metric_name, {"PipelineName": pipeline}, "Sum")
    return alarm(logical_id, monitored.env, words, description, metric, above=0, tell=notified)


def _error_alarm(
    logical_id: str,
    monitored: MonitoredService,
    word: str,
    function: AWSHelperFn | str,
    notified: list[TopicArn],
) -> cloudwatch.Alarm:
    words = [monitored.service.name, word]
    return function_error_alarm(logical_id, monitored.env, words, function, notified)
