"""A job: its schedule, the principals that may start it, its monitoring, and the test of its release."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cicd_templates.blocks.job_monitoring import watched_minutes
from cicd_templates.config.tables.job import JobTable
from cicd_templates.deploy.permissions.handler_actions import handler_permissions
from cicd_templates.functions import migrate
from cicd_templates.render.render import render
from templates import LAYERS
from tests.conftest import RAW, configured

# All on one worker, because they share what is rendered.
pytestmark = pytest.mark.xdist_group("jobs")
CHECKS = RAW["services"]["parcel-dispatcher"]["checks"]
JOB = {"schedule": "cron(0 3 * * ? *)", "command": ["python3", "-m", "depot.count"]}
ECS = "arn:${AWS::Partition}:ecs:eu-central-1"
SCHEDULER = "arn:${AWS::Partition}:scheduler:eu-central-1"
ACCOUNTS = {"staging": "222222222222", "production": "333333333333"}


def rendered(*edits: tuple[str, Any], **settings: Any) -> dict[str, dict[str, Any]]:
    """Return the content of every template, keyed by path, of a project that also has the job `counter`."""
    job = {"shape": "job", "checks": CHECKS, "job": {**JOB, **settings}}
    stacks = render(configured(("services/counter", job), *edits), LAYERS, "yaml")
    return {stack.path.removesuffix(".yaml"): dict(stack.template.content) for stack in stacks}


@pytest.fixture(scope="module")
def stacks() -> dict[str, dict[str, Any]]:
    return rendered()


def properties(stacks: dict[str, Any], path: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = stacks[path]["Resources"][name]["Properties"]
    return found


def statements(role: dict[str, Any]) -> dict[str, Any]:
    (policy,) = role["Policies"]
    return {each["Sid"]: each for each in policy["PolicyDocument"]["Statement"]}


@pytest.mark.no_cover
def test_a_schedule_and_no_ecs_service_runs_the_task_definition_of_the_release(stacks: dict[str, Any]) -> None:
    schedule = properties(stacks, "staging/service-counter", "Schedule")
    (container,) = properties(stacks, "staging/service-counter", "TaskDefinition")["ContainerDefinitions"]
    task = schedule["Target"]["EcsParameters"]
    types = {each["Type"] for each in stacks["staging/service-counter"]["Resources"].values()}

    assert "AWS::ECS::Service" not in types
    assert container["Command"] == JOB["command"]
    assert container["ReadonlyRootFilesystem"] is True
    assert "PortMappings" not in container
    assert task["TaskDefinitionArn"] == {"Ref": "TaskDefinition"}
    assert task["NetworkConfiguration"]["AwsvpcConfiguration"] == {
        "AssignPublicIp": "DISABLED",
        "Subnets": {"Ref": "PrivateSubnetIds"},
        "SecurityGroups": [{"Ref": "TasksGroupId"}],
    }
    assert (task["LaunchType"], task["PropagateTags"], task["TaskCount"]) == ("FARGATE", "TASK_DEFINITION", 1)
    assert schedule["ScheduleExpression"] == JOB["schedule"]
    assert schedule["KmsKeyArn"] == {"Ref": "KeyArn"}
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert schedule["Target"]["DeadLetterConfig"] == {"Arn": {"Ref": "ScheduleDeadLettersArn"}}
    assert schedule["Target"]["RetryPolicy"] == {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 3}


def test_no_run_starts_before_the_first_release(stacks: dict[str, Any]) -> None:
    state = properties(stacks, "production/service-counter", "Schedule")["State"]

    assert state == {"Fn::If": ["RunsTheBootstrapImage", "DISABLED", "ENABLED"]}


def test_the_configuration_sets_the_time_zone_the_window_the_retries_and_the_state() -> None:
    found = rendered(
        ("environments/production/time_zone", "Europe/Paris"),
        ("environments/staging/services/counter", {"job": {"enabled": False, "time_zone": "Asia/Tokyo"}}),
        window_minutes=15, retries=0,
    )  # fmt: skip
    staging, production = (properties(found, f"{name}/service-counter", "Schedule") for name in ACCOUNTS)

    assert (staging["ScheduleExpressionTimezone"], staging["State"]) == ("Asia/Tokyo", "DISABLED")
    assert production["ScheduleExpressionTimezone"] == "Europe/Paris"
    assert production["FlexibleTimeWindow"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
    assert production["Target"]["RetryPolicy"]["MaximumRetryAttempts"] == 0


@pytest.mark.parametrize("environment", ACCOUNTS)
def test_only_the_schedule_group_of_the_job_may_use_the_role_that_starts_it(
    stacks: dict[str, Any], environment: str
) -> None:
    account = ACCOUNTS[environment]
    role = properties(stacks, f"{environment}/schedule-counter", "Role")
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    group = properties(stacks, f"{environment}/schedule-counter", "Group")["Name"]

    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": account},
        "ArnEquals": {"aws:SourceArn": {"Fn::Sub": f"{SCHEDULER}:{account}:schedule-group/{group}"}},
    }


@pytest.mark.parametrize("environment", ACCOUNTS)
def test_the_role_of_the_schedule_may_start_this_task_and_nothing_else(
    stacks: dict[str, Any], environment: str
) -> None:
    account, prefix = ACCOUNTS[environment], f"shipping-{environment}"
    allowed = statements(properties(stacks, f"{environment}/schedule-counter", "Role"))
    definition = properties(stacks, f"{environment}/service-counter", "TaskDefinition")
    own = [properties(stacks, f"{environment}/service-counter", role) for role in ("ExecutionRole", "TaskRole")]

    assert {sid: each["Action"] for sid, each in allowed.items()} == {
        "StartTheJob": ["ecs:RunTask"],
        "TagItsTask": ["ecs:TagResource"],
        "GiveTheTaskItsRoles": ["iam:PassRole"],
        "KeepFailedStarts": ["sqs:SendMessage"],
        "EncryptFailedStarts": ["kms:Decrypt", "kms:GenerateDataKey"],
        "DecryptTheSchedule": ["kms:Decrypt"],
    }
    family = f"{ECS}:{account}:task-definition/{definition['Family']}:*"
    assert allowed["StartTheJob"]["Resource"] == [{"Fn::Sub": family}]
    cluster = {"Fn::Sub": f"{ECS}:{account}:cluster/{prefix}-cluster"}
    assert allowed["StartTheJob"]["Condition"] == {"ArnEquals": {"ecs:cluster": cluster}}
    passed = [arn["Fn::Sub"].rpartition("/")[2] for arn in allowed["GiveTheTaskItsRoles"]["Resource"]]
    assert passed == [role["RoleName"] for role in own]
    assert allowed["GiveTheTaskItsRoles"]["Condition"] == {
        "StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
    }
    assert properties(stacks, f"{environment}/service-counter", "Schedule")["Target"]["Arn"] == cluster


def test_failed_starts_are_kept_under_the_key(stacks: dict[str, Any]) -> None:
    queue = properties(stacks, "production/schedule-counter", "DeadLetters")
    alarm = properties(stacks, "production/health-counter", "NotStartedAlarm")

    assert queue["KmsMasterKeyId"] == {"Ref": "KeyArn"}
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": queue["QueueName"]}]


def test_failures_of_scheduled_runs_notify_the_team(stacks: dict[str, Any]) -> None:
    rule = properties(stacks, "staging/health-counter", "JobFailedRule")
    group = properties(stacks, "staging/service-counter", "Schedule")["Target"]["EcsParameters"]["Group"]
    alarm = properties(stacks, "staging/health-counter", "JobFailedAlarm")

    assert rule["EventPattern"]["detail"] == {
        "clusterArn": [{"Fn::Sub": f"{ECS}:222222222222:cluster/shipping-staging-cluster"}],
        "group": [group],
        "lastStatus": ["STOPPED"],
        "$or": [
            {"stopCode": ["TaskFailedToStart"]},
            {"containers": {"name": ["counter"], "exitCode": [{"anything-but": [0]}]}},
        ],
    }
    assert alarm["Dimensions"] == [{"Name": "RuleName", "Value": rule["Name"]}]


def test_operations_are_notified_of_every_alarm_of_a_job(stacks: dict[str, Any]) -> None:
    health = stacks["staging/health-counter"]["Resources"]
    alarms = {name for name, each in health.items() if each["Type"] == "AWS::CloudWatch::Alarm"}
    unwell = health["UnwellAlarm"]["Properties"]

    assert alarms == {"JobFailedAlarm", "NotStartedAlarm", "TooLongAlarm", "MissingRunAlarm"}
    assert all(f'ALARM("${{{name}}}")' in unwell["AlarmRule"]["Fn::Sub"] for name in alarms)
    assert unwell["AlarmActions"] == [{"Ref": "OperationsTopicArn"}]
    assert not [each for each in health.values() if each["Type"] == "AWS::SSM::Parameter"]


def test_a_run_that_lasts_too_long_has_a_metric_in_every_minute(stacks: dict[str, Any]) -> None:
    alarm = properties(stacks, "staging/health-counter", "TooLongAlarm")

    assert (alarm["Period"], alarm["EvaluationPeriods"], alarm["TreatMissingData"]) == (60, 30, "notBreaching")
    assert {each["Name"]: each["Value"] for each in alarm["Dimensions"]} == {
        "ClusterName": "shipping-staging-cluster",
        "TaskDefinitionFamily": "shipping-staging-counter",
    }


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("job", "minutes", "period", "periods"),
    [
        ({"schedule": "rate(5 minutes)", "max_minutes": 4}, 15, 300, 3),
        ({"schedule": "rate(23 hours)"}, 23 * 60 + 10, 300, 278),
        ({}, 24 * 60 + 70, 3600, 26),
        ({"window_minutes": 120}, 26 * 60 + 70, 3600, 28),
        ({"schedule": "cron(0 3 ? * MON-FRI *)"}, 73 * 60 + 10, 3600, 74),
        ({"schedule": "rate(6 days)"}, 6 * 24 * 60 + 10, 3600, 145),
    ],
    ids=["five minutes", "almost a day", "every night", "window", "weekdays", "six days"],
)
def test_a_run_that_does_not_begin_in_time_is_an_alarm(
    job: dict[str, Any], minutes: int, period: int, periods: int
) -> None:
    alarm = properties(rendered(**job), "staging/health-counter", "MissingRunAlarm")

    assert watched_minutes(JobTable.model_validate({**JOB, **job})) == minutes
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Scheduler", "InvocationAttemptCount")
    assert (alarm["Period"], alarm["EvaluationPeriods"]) == (period, periods)
    assert alarm["Period"] * alarm["EvaluationPeriods"] <= (86400 if period < 3600 else 604800)
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
    assert alarm["TreatMissingData"] == "breaching"


@pytest.mark.no_cover
@pytest.mark.parametrize("job", [{"schedule": "rate(7 days)"}, {"schedule": "cron(0 0 1 * ? *)"}, {"enabled": False}])
def test_cloudwatch_cannot_watch_a_rare_schedule_and_need_not_watch_a_disabled_one(job: dict[str, Any]) -> None:
    health = rendered(**job)["staging/health-counter"]["Resources"]

    assert "MissingRunAlarm" not in health
    assert "MissingRunAlarm" not in json.dumps(health["UnwellAlarm"])


def test_the_dashboard_of_a_job_shows_its_starts_failures_and_use(stacks: dict[str, Any]) -> None:
    body = json.loads(properties(stacks, "staging/health-counter", "Dashboard")["DashboardBody"])

    assert [widget["properties"]["title"] for widget in body["widgets"]] == [
        "Starts of the job", "Failed runs", "CPU of the runs, units", "Memory of the runs, MiB",
    ]  # fmt: skip
    assert body["widgets"][0]["properties"]["metrics"][0][:4] == [
        "AWS/Scheduler", "InvocationAttemptCount", "ScheduleGroup", "shipping-staging-counter",
    ]  # fmt: skip


def stages(stacks: dict[str, Any]) -> dict[str, dict[str, Any]]:
    pipeline = properties(stacks, "tools/pipeline-counter", "Pipeline")
    return {stage["Name"]: {action["Name"]: action for action in stage["Actions"]} for stage in pipeline["Stages"]}


def test_a_release_runs_the_job_once_in_staging_and_never_in_production(stacks: dict[str, Any]) -> None:
    found = stages(stacks)
    check = found["Staging"]["CheckJobStaging"]
    asked = json.loads(check["Configuration"]["UserParameters"]["Fn::Sub"])
    assert asked.keys() == migrate.REQUIRED

    assert {name: action["RunOrder"] for name, action in found["Staging"].items()} == {
        "Prepare": 1,
        "CheckStaging": 2,
        "Execute": 3,
        "CheckJobStaging": 4,
        "AttestStaging": 5,
    }
    assert not [name for name in found["Production"] if name.startswith("CheckJob")]
    namespace = found["Staging"]["Execute"]["Namespace"]
    outputs = stacks["staging/service-counter"]["Outputs"]
    for key in ("definition", "subnets", "group"):
        assert asked[key].strip("#{}").split(".")[0] == namespace
        assert asked[key].strip("#{}").split(".")[1] in outputs
    assert asked["log"] == properties(stacks, "staging/service-counter", "LogGroup")["LogGroupName"]
    assert asked["image"] == "#{Image.IMAGE_URI}"


def test_the_function_may_run_the_job_in_staging_only(stacks: dict[str, Any]) -> None:
    runner = properties(stacks, "tools/job-runner-counter", "CheckJobRole")
    variables = properties(stacks, "tools/job-runner-counter", "CheckJob")["Environment"]["Variables"]
    role = properties(stacks, "staging/delivery-counter", "JobCheckRole")
    allowed = statements(role)

    assert [arn["Fn::Sub"].rpartition("/")[2] for arn in statements(runner)["RunTheJob"]["Resource"]] == [
        role["RoleName"]
    ]
    assert runner["RoleName"] in json.dumps(role["AssumeRolePolicyDocument"])
    assert (variables["SUBJECT"], variables["RECORDS"], variables["LIMIT_MINUTES"]) == ("job", "job-checks", "60")
    definition = properties(stacks, "staging/service-counter", "TaskDefinition")
    family = f"{ECS}:222222222222:task-definition/{definition['Family']}:*"
    assert allowed["RunTheJob"]["Resource"] == [{"Fn::Sub": family}]
    assert "JobCheckRole" not in stacks["production/delivery-counter"]["Resources"]


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("max_minutes", "limit"),
    [(45, "90"), (690, "1380"), (691, "1380"), (1440, "1380")],
    ids=["two runs", "just 23 hours", "longer", "a run of a day"],
)
def test_the_check_waits_for_the_longest_run_that_an_environment_allows_and_for_less_than_a_day(
    max_minutes: int, limit: str
) -> None:
    job = {"schedule": "rate(2 days)", "max_minutes": max_minutes}
    found = rendered(("environments/staging/services/counter", {"job": job}))

    variables = properties(found, "tools/job-runner-counter", "CheckJob")["Environment"]["Variables"]
    assert variables["LIMIT_MINUTES"] == limit


@pytest.mark.no_cover
def test_without_an_unprotected_environment_no_function_runs_the_job() -> None:
    staging = "environments/staging"
    found = rendered(
        (f"{staging}/protection", "protected"),
        (f"{staging}/log_retention_days", 365),
        (f"{staging}/stakeholders/approvers", ["approvers@example.com"]),
    )

    assert "tools/job-runner-counter" not in found
    assert "CheckJobStaging" not in stages(found)["Staging"]


@pytest.mark.parametrize("environment", ACCOUNTS)
def test_cloudformation_may_keep_the_one_schedule_and_no_ecs_service(stacks: dict[str, Any], environment: str) -> None:
    account, name = ACCOUNTS[environment], f"shipping-{environment}-counter"
    allowed = statements(properties(stacks, f"{environment}/delivery-counter", "CloudFormationRole"))
    arn = {"Fn::Sub": f"{SCHEDULER}:{account}:schedule/{name}/{name}"}

    assert not {"RunTheService", "FollowItsDeployments", "ScaleTheService", "GiveEcsItsRoles"} & set(allowed)
    assert allowed["KeepTheSchedule"]["Resource"] == [arn]
    (role,) = allowed["GiveTheScheduleItsRole"]["Resource"]
    assert role["Fn::Sub"].endswith(properties(stacks, f"{environment}/schedule-counter", "Role")["RoleName"])
    assert allowed["GiveTheScheduleItsRole"]["Condition"] == {
        "StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}
    }
    assert allowed["EncryptTheSchedule"]["Condition"] == {
        "StringEquals": {"kms:ViaService": ["scheduler.eu-central-1.amazonaws.com"]},
        "ArnEquals": {"kms:EncryptionContext:aws:scheduler:schedule:arn": arn},
    }


@pytest.mark.no_cover
def test_a_job_can_migrate_and_use_what_layers_offer() -> None:
    found = rendered(
        ("queues/labels", {}),
        ("services/counter/migration", ["python3", "-m", "depot.migrate"]),
        ("services/counter/uses", {"labels": "send"}),
    )
    (container,) = properties(found, "staging/service-counter", "TaskDefinition")["ContainerDefinitions"]

    assert [each["Name"] for each in container["Environment"]] == ["LABELS_QUEUE_URL"]
    assert "SendToLabels" in statements(properties(found, "staging/service-counter", "TaskRole"))
    assert "Staging-Migration" in stages(found)


def test_cloudformation_has_every_permission_of_the_handlers_of_a_schedule(stacks: dict[str, Any]) -> None:
    handlers = handler_permissions("AWS::Scheduler::Schedule", "eu-central-1")
    granted = statements(properties(stacks, "staging/delivery-counter", "CloudFormationRole")).values()

    assert {action for kind, actions in handlers.items() if kind != "list" for action in actions} <= {
        action for each in granted for action in each["Action"]
    }
