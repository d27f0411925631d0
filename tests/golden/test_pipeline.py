"""The rendered pipeline:

nothing bypasses gate or approval, nothing polls or rebuilds, and each principal has one role.
"""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase as fnmatch
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.blocks.inlined_scan_gate import scan_gate_source
from cicd_templates.blocks.lambda_functions import source
from cicd_templates.functions.review import SUMMARY_LENGTH
from cicd_templates.template import cloudformation_yaml
from tests.conftest import PROJECT

TOOLS = PROJECT / "out/tools"


def load(layer: str, folder: str = "tools") -> dict[str, Any]:
    path = PROJECT / f"out/{folder}/{layer}-parcel-dispatcher.yaml"
    return cloudformation_yaml.load(path.read_text())["Resources"]  # type: ignore[no-any-return]


RESOURCES = load("pipeline")
PIPELINE = RESOURCES["Pipeline"]["Properties"]
STAGES: list[dict[str, Any]] = PIPELINE["Stages"]
NAMES = [stage["Name"] for stage in STAGES]
AFTER_THE_GATE = STAGES[NAMES.index("Gate") + 1 :]
VERDICT = {"Variable": "#{Gate.Verdict}", "Value": "PASS", "Operator": "EQ"}


def actions(stage: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {action["Name"]: action for action in stage["Actions"]}


def provider(action: dict[str, Any]) -> str:
    return f"{action['ActionTypeId']['Category']}/{action['ActionTypeId']['Provider']}"


def test_a_release_goes_through_these_stages_in_this_order() -> None:
    assert NAMES == ["Source", "Verify", "Gate", "Build", "Staging", "Production-Window", "Production"]
    assert (PIPELINE["PipelineType"], PIPELINE["ExecutionMode"]) == ("V2", "SUPERSEDED")


def test_no_stage_after_the_gate_is_entered_without_the_gates_verdict() -> None:
    assert [stage["Name"] for stage in STAGES if "BeforeEntry" in stage] == [stage["Name"] for stage in AFTER_THE_GATE]
    for stage in AFTER_THE_GATE:
        (condition,) = stage["BeforeEntry"]["Conditions"]
        # One rule and one result: a second rule could let the first one's failure be a skip.
        (rule,) = condition["Rules"]
        assert condition["Result"] == "FAIL", stage["Name"]
        assert (rule["RuleTypeId"]["Provider"], rule["Configuration"]) == ("VariableCheck", VERDICT), stage["Name"]


def test_the_gate_is_alone_in_its_stage_and_nothing_retries_it() -> None:
    gate = STAGES[NAMES.index("Gate")]

    assert list(actions(gate)) == ["Gate"]
    assert not gate.keys() & {"OnFailure", "OnSuccess", "BeforeEntry"}
    assert actions(gate)["Gate"]["Namespace"] == "Gate"
    # A Lambda action accepts five input artifacts, so the gate asks CodePipeline for those of its run.
    assert "InputArtifacts" not in actions(gate)["Gate"]


def test_the_gate_looks_for_the_report_of_each_check_and_reads_no_other_artifact() -> None:
    written = [artifact["Name"] for action in STAGES[1]["Actions"] for artifact in action["OutputArtifacts"]]
    function = load("scan-gate")["ScanGate"]["Properties"]["Environment"]["Variables"]
    assert list(json.loads(function["CHECKS"])) == written
    assert function["PIPELINE"] == PIPELINE["Name"]

    (policy,) = load("scan-gate")["ScanGateRole"]["Properties"]["Policies"]
    granted = {each["Sid"]: each for each in policy["PolicyDocument"]["Statement"]}
    assert granted["FindTheReports"]["Action"] == ["codepipeline:ListActionExecutions"]
    (arn,) = granted["FindTheReports"]["Resource"]
    assert arn["Fn::Sub"].endswith(f":{PIPELINE['Name']}")
    keys = [arn["Fn::Sub"].partition("/")[2] for arn in granted["ReadTheReports"]["Resource"]]
    assert keys == [f"parcel-dispatcher-sh*/{name[:10]}{'*' if len(name) > 10 else ''}/*" for name in written]
    assert not [
        each for each in granted.values() if "s3:PutObject" in each["Action"] and each["Sid"] != "PutTheDecision"
    ]


def test_nothing_writes_an_image_or_a_stack_before_the_gate() -> None:
    before = STAGES[: NAMES.index("Gate")]
    kinds = {provider(action) for stage in before for action in stage["Actions"]}

    assert kinds == {"Source/S3", "Test/CodeBuild"}
    for stage in before:
        for action in stage["Actions"]:
            if provider(action) == "Test/CodeBuild":
                project = action["Configuration"]["ProjectName"].removeprefix("shipping-tools-parcel-dispatcher-")
                assert project in ("unit-tests", "bandit", "safety", "snyk", "secrets")


def test_production_is_changed_only_by_the_action_after_its_approval() -> None:
    changing = [
        (stage["Name"], action)
        for stage in STAGES
        for action in stage["Actions"]
        if "shipping-production" in json.dumps(action["Configuration"]) and provider(action) == "Deploy/CloudFormation"
    ]
    production = actions(STAGES[-1])

    assert [stage for stage, _ in changing] == ["Production", "Production"]
    assert [action["Configuration"]["ActionMode"] for _, action in changing] == [
        "CHANGE_SET_REPLACE",
        "CHANGE_SET_EXECUTE",
    ]
    order = {name: action["RunOrder"] for name, action in production.items()}
    assert order == {
        "Prepare": 1,
        "ReviewProduction": 2,
        "Approve": 3,
        "CheckProduction": 4,
        "Execute": 5,
        "AttestProduction": 6,
    }
    assert provider(production["Approve"]) == "Approval/Manual"
    assert production["Approve"]["TimeoutInMinutes"] == 72 * 60
    assert "#{ReviewProduction.Summary}" in production["Approve"]["Configuration"]["CustomData"]
    # A refused approval is a failed stage: undoing it would start over, and ask again.
    assert "OnFailure" not in STAGES[-1]


def test_what_is_executed_in_production_is_compared_with_what_was_approved() -> None:
    production = actions(STAGES[-1])
    check = json.loads(production["CheckProduction"]["Configuration"]["UserParameters"]["Fn::Sub"])
    review = json.loads(production["ReviewProduction"]["Configuration"]["UserParameters"]["Fn::Sub"])
    execute = production["Execute"]["Configuration"]

    assert (check["stacks"], check["changeSet"]) == (execute["StackName"], execute["ChangeSetName"])
    assert check["reviewed"] == "#{ReviewProduction.Reviewed}"
    shared = ("changeSet", "role", "region", "environment", "execution")
    assert [check[name] for name in shared] == [review[name] for name in shared]
    assert check["execution"] == "#{codepipeline.PipelineExecutionId}"
    assert production["Approve"]["Configuration"]["ExternalEntityLink"] == "#{ReviewProduction.PageUrl}"
    assert "Review #{ReviewProduction.Reviewed}." in production["Approve"]["Configuration"]["CustomData"]


def test_only_the_review_records_what_is_approved_and_only_the_check_approvers_and_auditors_read_it() -> None:
    records = "/_approvals/parcel-dispatcher/*"
    users = {
        (role, action)
        for layer in ("review", "scan-gate", "build", "access", "pipeline", "monitoring")
        for role, resource in load(layer).items()
        for policy in resource["Properties"].get("Policies", [resource["Properties"]])
        for statement in policy.get("PolicyDocument", {}).get("Statement", ())
        if "_approvals" in json.dumps(statement) or "EvidenceBucketName}/*" in json.dumps(statement)
        for action in statement["Action"]
    }

    assert users == {
        ("ReviewRole", "s3:PutObject"),
        ("ApprovalCheckRole", "s3:GetObject"),
        ("ApprovalCheckRole", "s3:GetObjectVersion"),
        ("ApproversPolicy", "s3:GetObject"),
        ("ApproversPolicy", "s3:GetObjectVersion"),
        ("AuditorsPolicy", "s3:GetObject"),
        ("AuditorsPolicy", "s3:GetObjectVersion"),
        ("AuditorsPolicy", "s3:ListBucket"),
    }
    for name in ("Review", "ApprovalCheck"):
        variables = load("review")[name]["Properties"]["Environment"]["Variables"]
        assert f"/{variables['APPROVALS']}/*" == records


def test_only_the_delivery_role_makes_a_change_set_of_a_release() -> None:
    verbs = {f"cloudformation:{verb}ChangeSet" for verb in ("Create", "Delete", "Execute")}
    wider = {"cloudformation:UpdateStack", "cloudformation:CreateStack", "cloudformation:DeleteStack"}
    makers = set()
    for path in (PROJECT / "out").glob("*/*.yaml"):
        for name, resource in cloudformation_yaml.load(path.read_text())["Resources"].items():
            properties = resource.get("Properties", {})
            policies = [policy["PolicyDocument"] for policy in properties.get("Policies", ())]
            for document in [*policies, properties.get("PolicyDocument", {})]:
                for statement in document.get("Statement", ()):
                    if statement["Effect"] == "Allow" and (verbs | wider) & set(statement["Action"]):
                        makers.add((path.parent.name, name))
                        assert verbs == set(statement["Action"])
                        (condition,) = statement["Condition"].values()
                        expected = f"shipping-{path.parent.name}-parcel-dispatcher-release"
                        assert condition == {"cloudformation:ChangeSetName": expected}

    assert makers == {("staging", "DeliveryRole"), ("production", "DeliveryRole")}
    for environment in ("staging", "production"):
        trust = load("delivery", environment)["DeliveryRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        (role,) = trust[0]["Condition"]["ArnEquals"]["aws:PrincipalArn"]
        assert role["Fn::Sub"].endswith(":role/shipping-tools-pipeline-parcel-dispatcher")


def test_the_executed_change_set_is_the_prepared_one() -> None:
    for name in ("Staging", "Production"):
        stage = actions(STAGES[NAMES.index(name)])
        prepared, executed = stage["Prepare"]["Configuration"], stage["Execute"]["Configuration"]
        assert (prepared["StackName"], prepared["ChangeSetName"]) == (executed["StackName"], executed["ChangeSetName"])
        assert prepared["ParameterOverrides"] == '{"ImageUri": "#{Image.IMAGE_URI}"}'
        assert prepared["TemplatePath"] == f"Templates::{name.lower()}/service-parcel-dispatcher.yaml"
        assert (PROJECT / "out" / prepared["TemplatePath"].removeprefix("Templates::")).exists()


def test_staging_is_tested_at_its_published_address_and_rolled_back_after_a_failed_test() -> None:
    staging = STAGES[NAMES.index("Staging")]
    smoke = actions(staging)["StagingSmokeTest"]
    outputs = cloudformation_yaml.load((PROJECT / "out/staging/service-parcel-dispatcher.yaml").read_text())["Outputs"]

    assert staging["OnFailure"] == {"Result": "ROLLBACK"}
    (variable,) = json.loads(smoke["Configuration"]["EnvironmentVariables"])
    namespace, name = variable["value"].strip("#{}").split(".")
    assert actions(staging)["Execute"]["Namespace"] == namespace
    assert name in outputs


def test_the_deployment_window_is_a_separate_condition_before_the_approval() -> None:
    window = STAGES[NAMES.index("Production-Window")]
    (condition,) = window["OnSuccess"]["Conditions"]

    assert condition["Result"] == "FAIL"
    assert [rule["RuleTypeId"]["Provider"] for rule in condition["Rules"]] == ["DeploymentWindow"]
    assert condition["Rules"][0]["Configuration"] == {"Cron": "* * 8-16 ? * MON-THU", "TimeZone": "Europe/Berlin"}


def test_sources_are_not_polled_and_an_event_pins_the_version() -> None:
    for action in STAGES[0]["Actions"]:
        assert action["Configuration"]["PollForSourceChanges"] == "false"
    rule = RESOURCES["StartRule"]["Properties"]
    (target,) = rule["Targets"]

    assert rule["EventPattern"]["detail"] == {
        "bucket": {"name": [{"Ref": "SourceBucketName"}]},
        "object": {"key": ["parcel-dispatcher/source.zip"]},
    }
    (revision,) = json.loads(target["InputTransformer"]["InputTemplate"])["sourceRevisions"]
    assert revision == {"actionName": "App", "revisionType": "S3_OBJECT_VERSION_ID", "revisionValue": "<version>"}
    assert target["InputTransformer"]["InputPathsMap"] == {"version": "$.detail.object.version-id"}
    assert target["RoleArn"] == {"Fn::GetAtt": ["StartRole", "Arn"]}
    assert "DeadLetterConfig" in target


def test_each_action_has_a_role_and_no_two_kinds_share_one() -> None:
    used: dict[str, set[str]] = {}
    for stage in STAGES:
        for action in stage["Actions"]:
            used.setdefault(json.dumps(action["RoleArn"]), set()).add(provider(action))

    assert all(len(kinds) == 1 for kinds in used.values())
    assumed = RESOURCES["PipelineActions"]["Properties"]["PolicyDocument"]["Statement"][0]["Resource"]
    assert sorted(used) == sorted(json.dumps(arn) for arn in assumed)


def test_variables_are_taken_from_namespaces_that_earlier_actions_have() -> None:
    known = {"codepipeline"}
    for stage in STAGES:
        for action in sorted(stage["Actions"], key=lambda action: action["RunOrder"]):
            read = set(re.findall(r"#\{(\w+)\.", json.dumps(action["Configuration"])))
            assert read <= known, (stage["Name"], action["Name"], read - known)
            known |= {action["Namespace"]} if "Namespace" in action else set()


def test_every_artifact_that_is_read_was_written_before() -> None:
    written: set[str] = set()
    for stage in STAGES:
        for action in stage["Actions"]:
            assert {each["Name"] for each in action.get("InputArtifacts", ())} <= written, action["Name"]
        written |= {each["Name"] for action in stage["Actions"] for each in action.get("OutputArtifacts", ())}


def test_only_the_project_that_builds_the_image_has_docker() -> None:
    projects = {
        name: resource["Properties"]["Environment"]
        for name, resource in load("build").items()
        if resource["Type"] == "AWS::CodeBuild::Project"
    }

    assert [name for name, environment in projects.items() if environment["PrivilegedMode"]] == ["Image"]
    for name, environment in projects.items():
        if name != "Image":
            assert re.search(r"@sha256:[0-9a-f]{64}$", environment["Image"]), name


def test_every_project_has_limits_a_log_a_key_and_a_role_of_its_own() -> None:
    projects = [each["Properties"] for each in load("build").values() if each["Type"] == "AWS::CodeBuild::Project"]

    assert len(projects) == 9
    assert len({json.dumps(project["ServiceRole"]) for project in projects}) == 9
    assert len({json.dumps(project["LogsConfig"]) for project in projects}) == 9
    for project in projects:
        assert project["TimeoutInMinutes"] <= 15
        assert project["QueuedTimeoutInMinutes"] == 15
        assert project["EncryptionKey"] == {"Ref": "KeyArn"}
        assert project["Source"]["Type"] == "CODEPIPELINE"
        for variable in project["Environment"].get("EnvironmentVariables", ()):
            secret = re.search("TOKEN|KEY|SECRET|PASSWORD", variable["Name"])
            assert variable["Type"] == ("SECRETS_MANAGER" if secret else "PLAINTEXT")


def test_a_secret_is_read_by_one_project_only() -> None:
    readers: dict[str, list[str]] = {}
    for name, resource in load("build").items():
        for policy in resource["Properties"].get("Policies", ()):
            for statement in policy["PolicyDocument"]["Statement"]:
                if "secretsmanager:GetSecretValue" in statement["Action"]:
                    for secret in statement["Resource"]:
                        readers.setdefault(secret["Ref"], []).append(name)

    assert readers == {"SafetyApiKeySecret": ["SafetyRole"], "SnykTokenSecret": ["SnykRole"]}


def test_only_approvers_approve_and_nobody_can_override_a_condition() -> None:
    policies = {
        name: {(each["Effect"], action): each for each in of["Properties"]["PolicyDocument"]["Statement"]
               for action in each["Action"]}
        for name, of in load("access").items()
    }  # fmt: skip

    assert policies.keys() == {"DevelopersPolicy", "ApproversPolicy", "OperatorsPolicy", "AuditorsPolicy"}
    for name, statements in policies.items():
        assert ("Deny", "codepipeline:OverrideStageCondition") in statements, name
        approves = ("Allow", "codepipeline:PutApprovalResult") in statements
        assert approves == (name == "ApproversPolicy")
        assert approves != (("Deny", "codepipeline:PutApprovalResult") in statements), name
    answered = policies["ApproversPolicy"][("Allow", "codepipeline:PutApprovalResult")]["Resource"]
    assert [each["Fn::Sub"].rpartition(":")[2] for each in answered] == [
        "parcel-dispatcher-shipping-tools/Production/Approve"
    ]
    assert ("Deny", "s3:PutObject") in policies["ApproversPolicy"]
    assert ("Deny", "codepipeline:StartPipelineExecution") in policies["ApproversPolicy"]
    assert ("Allow", "s3:PutObject") in policies["DevelopersPolicy"]


# A metric that does not exist never alarms: each is in the documentation that `templates/monitoring.py` cites.
METRICS = {
    ("AWS/CodeBuild", "Duration"),
    ("AWS/CodeBuild", "QueuedDuration"),
    ("AWS/CodePipeline", "FailedPipelineExecutions"),
    ("AWS/Lambda", "Errors"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
    ("CicdTemplates", "ApprovalCheckErrors"),
    ("CicdTemplates", "CommitToVerdictSeconds"),
    ("CicdTemplates", "GateErrors"),
    ("CicdTemplates", "OldestRunSeconds"),
    ("CicdTemplates", "ReviewErrors"),
    ("CicdTemplates", "RunFailed"),
    ("CicdTemplates", "RunsInProgress"),
    ("CicdTemplates", "SignerErrors"),
}


def alarms() -> dict[str, dict[str, Any]]:
    notifications = cloudformation_yaml.load((TOOLS / "notifications.yaml").read_text())["Resources"]
    both = {**load("monitoring"), **notifications}
    return {name: each["Properties"] for name, each in both.items() if each["Type"] == "AWS::CloudWatch::Alarm"}


def test_alarms_are_on_these_metrics_and_each_notifies_somebody() -> None:
    found = set()
    for name, alarm in alarms().items():
        assert alarm["AlarmActions"], name
        # Only what runs all the time tells of its silence, by a change to a state that has an action.
        silent = alarm["TreatMissingData"] == "missing" and alarm["InsufficientDataActions"] == alarm["AlarmActions"]
        assert silent if name == "RunStuckAlarm" else alarm["TreatMissingData"] == "notBreaching", name
        assert alarm["ActionsEnabled"] is True
        found |= {(alarm["Namespace"], alarm["MetricName"])} if "MetricName" in alarm else set()
        for query in alarm.get("Metrics", ()):
            if "MetricStat" in query:
                found.add((query["MetricStat"]["Metric"]["Namespace"], query["MetricStat"]["Metric"]["MetricName"]))

    assert found == METRICS


def test_an_alarm_notices_a_failure_that_aws_counts_late_and_ignores_the_creation_run() -> None:
    alarm = alarms()["FailureCountedAlarm"]
    *metrics, result = alarm["Metrics"]

    # Vended metrics arrive minutes late, so ten minutes are looked at. Our count of runs, repeated between its values,
    # is not there before this layer is, and without it a failure counts for nothing.
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (10, 1)
    assert result["Expression"] == "IF(FILL(runs, REPEAT) >= 0, failed)"
    assert {each["Id"]: each["MetricStat"]["Metric"]["MetricName"] for each in metrics} == {
        "failed": "FailedPipelineExecutions",
        "runs": "RunsInProgress",
    }
    assert {each["MetricStat"]["Period"] for each in metrics} == {60}


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("GateCannotJudgeAlarm", "GateErrors"),
        ("ReviewCannotDescribeAlarm", "ReviewErrors"),
        ("NotApprovedAlarm", "ApprovalCheckErrors"),
        ("SignerCannotSignAlarm", "SignerErrors"),
    ],
)
def test_a_function_that_reports_its_own_failure_has_an_alarm_of_its_own(name: str, metric: str) -> None:
    alarm = alarms()[name]

    assert (alarm["Namespace"], alarm["MetricName"]) == ("CicdTemplates", metric)
    assert (alarm["Statistic"], alarm["Threshold"], alarm["Dimensions"][0]["Name"]) == ("Sum", 0, "PipelineName")


def test_a_detector_that_is_silent_for_a_quarter_of_an_hour_raises_an_alarm() -> None:
    alarm = alarms()["RunStuckAlarm"]

    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"], alarm["Period"]) == (3, 1, 300)
    assert alarm["InsufficientDataActions"] == [{"Ref": "OperationsTopicArn"}]


def test_every_project_of_a_release_has_a_timeout_of_five_minutes_or_more() -> None:
    slow = {name: alarm for name, alarm in alarms().items() if alarm.get("MetricName") == "Duration"}

    assert len(slow) == 9
    for alarm in slow.values():
        assert (alarm["Statistic"], alarm["Threshold"], alarm["ComparisonOperator"]) == (
            "Maximum",
            300,
            "GreaterThanThreshold",
        )
        (dimension,) = alarm["Dimensions"]
        assert dimension["Name"] == "ProjectName"


def rules() -> dict[str, dict[str, Any]]:
    return {n: each["Properties"] for n, each in load("monitoring").items() if each["Type"] == "AWS::Events::Rule"}


@pytest.mark.parametrize(
    ("rule", "groups"),
    [
        ("RunStartedRule", {"Developers"}),
        ("RunRolledBackRule", {"Developers", "Operations"}),
        ("RunSucceededRule", {"Developers"}),
        ("RunFailedRule", {"Developers", "Operations"}),
        ("RunEndedRule", {"Developers"}),
        ("GateDecidedRule", {"Developers", "Security"}),
        ("ApprovalNeededRule", {"Developers"}),
        ("ApprovalGivenRule", {"Developers", "Security"}),
        ("ConditionOverriddenRule", {"Security", "Operations"}),
        ("PipelineChangedRule", {"Security", "Operations"}),
    ],
)
def test_each_kind_of_event_notifies_the_right_groups_in_words(rule: str, groups: set[str]) -> None:
    targets = rules()[rule]["Targets"]

    assert {target["Id"] for target in targets} == groups
    for target in targets:
        assert target["Arn"] == {"Ref": f"{target['Id']}TopicArn"}
        message = json.loads(target["InputTransformer"]["InputTemplate"])
        assert message.startswith("parcel-dispatcher: ")
        names = set(re.findall(r"<(\w+)>", message))
        assert names <= target["InputTransformer"]["InputPathsMap"].keys()


def test_every_rule_is_about_this_pipeline_and_reports_undelivered_events() -> None:
    for name, rule in rules().items():
        if "EventPattern" in rule:
            detail = rule["EventPattern"]["detail"]
            for each in detail.get("$or", [detail]):
                about = each.get("pipeline") or detail.get("pipeline") or each["requestParameters"]
                while isinstance(about, dict):
                    (about,) = about.values()
                assert about == ["parcel-dispatcher-shipping-tools"], name
        for target in rule["Targets"]:
            assert target["DeadLetterConfig"] == {"Arn": {"Ref": "DeadLettersQueueArn"}}, name
            # Topics, functions and log groups admit rules by their own policies.
            assert "RoleArn" not in target, name


PIPELINE_NAME = "parcel-dispatcher-shipping-tools"
UPDATED = {"eventName": "UpdatePipeline", "requestParameters": {"pipeline": {"name": PIPELINE_NAME}}}
DELETED = {"eventName": "DeletePipeline", "requestParameters": {"name": PIPELINE_NAME}}


def matches(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    """Whether an event fulfils a pattern, as far as EventBridge's words are used here."""

    def one(wanted: Any, value: Any) -> bool:
        if isinstance(wanted, dict) and "exists" in wanted:
            return bool((value is not None) == wanted["exists"])
        if isinstance(wanted, dict):
            return bool(value is not None and value not in wanted["anything-but"])
        return bool(wanted == value)

    for key, wanted in pattern.items():
        if key == "$or":
            if not any(matches(each, event) for each in wanted):
                return False
        elif isinstance(wanted, dict):
            if not matches(wanted, event.get(key) or {}):
                return False
        elif not any(one(each, event.get(key)) for each in wanted):
            return False
    return True


@pytest.mark.parametrize("call", [UPDATED, DELETED], ids=["UpdatePipeline", "DeletePipeline"])
def test_every_change_of_the_pipeline_itself_is_announced_and_kept(call: dict[str, Any]) -> None:
    detail = {"eventSource": "codepipeline.amazonaws.com", **call}
    event = {"source": "aws.codepipeline", "detail-type": "AWS API Call via CloudTrail", "detail": detail}
    another = json.loads(json.dumps(event).replace(PIPELINE_NAME, "another"))

    for name in ("PipelineChangedRule", "HistoryRule"):
        assert matches(rules()[name]["EventPattern"], event), name
        assert not matches(rules()[name]["EventPattern"], another), name


@pytest.mark.parametrize(
    ("trigger", "rule_names"),
    [
        ({"execution-trigger": {"trigger-type": "AutomatedRollback"}}, {"RunRolledBackRule"}),
        ({"execution-trigger": {"trigger-type": "ManualRollback"}}, {"RunRolledBackRule"}),
        ({"execution-trigger": {"trigger-type": "CloudWatchEvent"}}, {"RunSucceededRule"}),
        ({}, {"RunSucceededRule"}),
    ],
    ids=["automatic", "by hand", "a release", "a release that does not say why it ran"],
)
def test_a_rolled_back_stage_is_not_announced_as_a_release(trigger: dict[str, Any], rule_names: set[str]) -> None:
    event = {
        "source": "aws.codepipeline",
        "detail-type": "CodePipeline Pipeline Execution State Change",
        "detail": {"pipeline": PIPELINE_NAME, "state": "SUCCEEDED", **trigger},
    }
    speaking = {name for name, rule in rules().items() if "InputTransformer" in rule["Targets"][0]}

    assert {name for name in speaking if matches(rules()[name]["EventPattern"], event)} == rule_names


def artifacts_policy() -> dict[str, dict[str, Any]]:
    resources = cloudformation_yaml.load((TOOLS / "storage.yaml").read_text())["Resources"]
    statements = resources["ArtifactsPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    return {each["Sid"]: each for each in statements}


def role_name(layer: str, logical_id: str) -> str:
    return str(load(layer)[logical_id]["Properties"]["RoleName"])


def test_only_the_source_actions_put_what_the_checks_judge() -> None:
    denial = artifacts_policy()["RefuseToReplaceSources"]
    excepted = [each["Fn::Sub"].rpartition("/")[2] for each in denial["Condition"]["ArnNotLike"]["aws:PrincipalArn"]]

    def may(role: str) -> bool:
        return any(fnmatch(role, pattern) for pattern in excepted)

    assert denial["Effect"] == "Deny"
    assert [each["Fn::Sub"] for each in denial["Resource"]] == [
        "${Artifacts.Arn}/*/App/*",
        "${Artifacts.Arn}/*/Templates/*",
    ]
    assert all(may(role_name("pipeline", role)) for role in ("AppActionRole", "TemplatesActionRole", "PipelineRole"))
    builds = [name for name, each in load("build").items() if each["Type"] == "AWS::IAM::Role"]
    assert len(builds) == 9
    assert not [name for name in builds if may(role_name("build", name))]


def test_a_check_can_put_its_own_report_and_no_other_artifact() -> None:
    artifacts = {action["Name"]: action["OutputArtifacts"][0]["Name"] for action in STAGES[1]["Actions"]}
    for name, resource in load("build").items():
        if resource["Type"] != "AWS::IAM::Role":
            continue
        (policy,) = resource["Properties"]["Policies"]
        puts = [
            each["Resource"][0]["Fn::Sub"].partition("${ArtifactsBucketName}/")[2]
            for each in policy["PolicyDocument"]["Statement"]
            if "s3:PutObject" in each["Action"] and "${ArtifactsBucketName}" in str(each["Resource"])
        ]
        check = name.removesuffix("Role")
        # CodePipeline cuts the name of the pipeline to 20 characters and that of the artifact to 10.
        for artifact in ("App", "Templates", *artifacts.values()):
            key = f"{PIPELINE_NAME[:20]}/{artifact[:10]}/a1B2c3D"
            own = artifacts.get(check) == artifact
            assert [fnmatch(key, pattern) for pattern in puts] == ([own] if check in artifacts else []), (name, key)


def test_projects_that_run_the_application_share_no_cache_with_projects_that_judge_it() -> None:
    caches = {
        name: each["Properties"]["Cache"].get("Location", {"Fn::Sub": ""})["Fn::Sub"].rpartition("/")[2]
        for name, each in load("build").items()
        if "Cache" in each["Properties"]
    }

    assert caches == {
        "UnitTests": "unit-tests",
        "Snyk": "snyk",
        "Bandit": "bandit",
        "Safety": "safety",
        "Secrets": "secrets",
        "BillOfMaterials": "sbom",
        "Image": "",
    }
    for name, folder in caches.items():
        resource = load("build")[f"{name}Role"]["Properties"]["Policies"]
        cached = re.findall(r"CacheBucketName\}/([^']*)'", str(resource))
        assert set(cached) == ({f"parcel-dispatcher/{folder}/*"} if folder else set()), name


def test_the_gate_and_the_builds_can_compare_what_an_earlier_attempt_put() -> None:
    for layer, role, put_by, compared_by, names in (
        (
            "scan-gate",
            "ScanGateRole",
            "PutTheDecision",
            "CompareDecisions",
            ["*/summary*.md", "*/verdict*.json", "passed/*.json"],
        ),
        ("build", "BillOfMaterialsRole", "PutEvidence", "CompareEvidence", ["*/sbom.cdx*.json"]),
        ("build", "ImageScanRole", "PutEvidence", "CompareEvidence", ["*/image-scan*.json"]),
    ):
        (policy,) = load(layer)[role]["Properties"]["Policies"]
        statements = {each["Sid"]: each for each in policy["PolicyDocument"]["Statement"]}
        compare = statements[compared_by]
        assert "s3:GetObject" in compare["Action"]
        keys = [each["Fn::Sub"].partition("${EvidenceBucketName}/")[2] for each in compare["Resource"]]
        assert keys == [f"parcel-dispatcher/{name}" for name in names]
        assert compare["Resource"] == statements[put_by]["Resource"]


@pytest.mark.parametrize(
    ("project", "stored"),
    [
        ("Image", ["image-packages.cdx.json", "image-packages-9.cdx.json"]),
        ("BillOfMaterials", ["sbom.cdx.json", "sbom.cdx-2.json"]),
        ("ImageScan", ["image-scan.json", "image-scan-4.json", "image-scan-production.json", "image-scan-live-2.json"]),
    ],
)
def test_a_build_can_put_the_evidence_that_it_makes_and_no_other(project: str, stored: list[str]) -> None:
    (policy,) = load("build")[f"{project}Role"]["Properties"]["Policies"]
    (put,) = [each for each in policy["PolicyDocument"]["Statement"] if each["Sid"] == "PutEvidence"]
    (resource,) = put["Resource"]
    keys = resource["Fn::Sub"].partition("/")[2]

    # In a policy, as here, `*` also stands for slashes.
    assert all(fnmatch(f"parcel-dispatcher/run-1/{name}", keys) for name in stored)
    others = {"Image": "sbom.cdx.json", "BillOfMaterials": "image-scan.json", "ImageScan": "image-packages.cdx.json"}
    for name in ("verdict.json", "signed.json", "signed/x.json", "_attempts/1.json", "passed/1", others[project]):
        assert not fnmatch(f"parcel-dispatcher/run-1/{name}", keys), name


@pytest.mark.parametrize("project", ["Image", "BillOfMaterials", "ImageScan"])
def test_a_build_cannot_put_evidence_where_functions_look_for_their_own_records(project: str) -> None:
    (policy,) = load("build")[f"{project}Role"]["Properties"]["Policies"]
    put, denied = (
        [resource["Fn::Sub"].partition("/")[2] for resource in each["Resource"]]
        for sid in ("PutEvidence", "StayInTheFolderOfARun")
        for each in policy["PolicyDocument"]["Statement"]
        if each["Sid"] == sid
    )
    name = put[0].rpartition("/")[2].replace("*", "-2")
    folders = ("passed", "passed/0", f"digests/{'1' * 64}", "migrations/staging/000000", "run-1/verdict-9")

    for folder in folders:
        key = f"parcel-dispatcher/{folder}/{name}"
        # Without the second statement, a function would read this object as one of its own records.
        assert any(fnmatch(key, pattern) for pattern in put), key
        assert any(fnmatch(key, pattern) for pattern in denied), key
    assert not any(fnmatch(f"parcel-dispatcher/run-1/{name}", pattern) for pattern in denied)


def test_sources_and_templates_are_kept_as_long_as_their_evidence() -> None:
    resources = cloudformation_yaml.load((TOOLS / "storage.yaml").read_text())["Resources"]
    kept = {
        name: rule["NoncurrentVersionExpiration"]["NoncurrentDays"]
        for name in ("Source", "Templates", "Evidence")
        for rule in resources[name]["Properties"]["LifecycleConfiguration"]["Rules"]
        if "NoncurrentVersionExpiration" in rule
    }

    assert kept == {"Source": 1096, "Templates": 1096, "Evidence": 1096}


def test_the_approver_sees_which_templates_are_deployed_and_so_does_the_gate() -> None:
    approve = actions(STAGES[-1])["Approve"]["Configuration"]["CustomData"]
    gate = json.loads(actions(STAGES[NAMES.index("Gate")])["Gate"]["Configuration"]["UserParameters"])

    review = json.loads(actions(STAGES[-1])["ReviewProduction"]["Configuration"]["UserParameters"]["Fn::Sub"])

    assert "Templates #{Templates.VersionId}: #{ReviewProduction.Templates}." in approve
    assert review["templates"] == "#{Templates.VersionId}"
    assert gate["templatesVersion"] == "#{Templates.VersionId}"
    assert actions(STAGES[0])["Templates"]["Namespace"] == "Templates"
    # The console takes 1,000 characters. The text about the templates is longest with a commit of 64 characters and
    # a caller of 100; image and version of S3 have 71 and 32, the digest of the review 64, the key of the
    # evidence 74, and the counts 20.
    fixed = len(re.sub(r"#\{[^}]*\}", "", approve))
    templates = len("OLDER than the newest, commit , sha256 , uploaded by ") + 64 + 64 + 100
    assert fixed + SUMMARY_LENGTH + templates + 71 + 32 + 64 + 74 + 20 < 1000


def test_gate_and_review_may_read_the_templates_and_nothing_else_of_that_bucket() -> None:
    for layer, role in (("scan-gate", "ScanGateRole"), ("review", "ReviewRole")):
        (policy,) = load(layer)[role]["Properties"]["Policies"]
        (read,) = [
            each for each in policy["PolicyDocument"]["Statement"] if "${TemplatesBucketName}" in str(each["Resource"])
        ]
        assert read["Action"] == ["s3:GetObject", "s3:GetObjectVersion"]
        assert read["Resource"] == [{"Fn::Sub": "arn:${AWS::Partition}:s3:::${TemplatesBucketName}/templates.zip"}]


def test_operators_roll_back_only_what_the_review_looks_at_first() -> None:
    statements = load("access")["OperatorsPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    (roll_back,) = [each for each in statements if "codepipeline:RollbackStage" in each["Action"]]
    stages = [name for name, stage in zip(NAMES, STAGES, strict=True) if "ReviewProduction" in actions(stage)]

    assert (roll_back["Effect"], roll_back["Action"]) == ("Allow", ["codepipeline:RollbackStage"])
    assert [each["Fn::Sub"].rpartition("/")[2] for each in roll_back["Resource"]] == stages == ["Production"]


def test_a_principal_that_releases_may_ask_for_the_pipelines_address() -> None:
    statements = load("access")["DevelopersPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    (find,) = [each for each in statements if "ssm:GetParameter" in each["Action"]]

    assert [each["Fn::Sub"].partition(":parameter")[2] for each in find["Resource"]] == [
        "/shipping/tools/storage/SourceBucketName",
        "/shipping/tools/pipeline-parcel-dispatcher/PipelineName",
    ]


def test_approvers_are_notified_by_the_pipelines_action_alone() -> None:
    resources = cloudformation_yaml.load((TOOLS / "notifications.yaml").read_text())["Resources"]
    statements = resources["ProductionApproversPolicy"]["Properties"]["PolicyDocument"]["Statement"]

    assert [each["Sid"] for each in statements] == ["RefuseWithoutTls"]
    assert len(resources["OperationsPolicy"]["Properties"]["PolicyDocument"]["Statement"]) == 3


def test_evidence_can_be_put_and_never_replaced() -> None:
    policy = cloudformation_yaml.load((TOOLS / "storage.yaml").read_text())["Resources"]["EvidencePolicy"]
    statements = {each["Sid"]: each for each in policy["Properties"]["PolicyDocument"]["Statement"]}

    assert statements["RefuseToReplace"]["Effect"] == "Deny"
    assert statements["RefuseToReplace"]["Condition"] == {"Null": {"s3:if-none-match": "true"}}


def test_an_upload_without_a_header_is_not_refused_and_one_with_a_wrong_header_is() -> None:
    storage = cloudformation_yaml.load((TOOLS / "storage.yaml").read_text())["Resources"]
    denials = [
        each
        for resource in storage.values()
        if resource["Type"] == "AWS::S3::BucketPolicy"
        for each in resource["Properties"]["PolicyDocument"]["Statement"]
        if each["Sid"].startswith("RefuseAnother")
    ]

    assert len(denials) == 12
    for denial in denials:
        # An absent key fulfils a negated operator, so its presence has to be asked for beside it.
        (key,) = denial["Condition"]["StringNotEquals"]
        assert denial["Condition"]["Null"] == {key: "false"}


def test_only_its_one_rule_may_write_to_the_history_under_the_key() -> None:
    group = load("monitoring")["HistoryLogGroup"]["Properties"]
    key = cloudformation_yaml.load((TOOLS / "keys.yaml").read_text())["Resources"]["Key"]["Properties"]["KeyPolicy"]
    logs = next(each for each in key["Statement"] if each["Sid"] == "LetLogsEncryptOurLogGroups")
    named = [each["Fn::Sub"] for each in logs["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]]

    assert group["LogGroupName"] == "/aws/events/shipping-tools-parcel-dispatcher"
    assert any(each.endswith("log-group:/aws/events/shipping-tools-*") for each in named)
    write = next(each for each in group["ResourcePolicyDocument"]["Statement"] if each["Sid"].endswith("Write"))
    assert write["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::Sub"].endswith("parcel-dispatcher-history")


def test_the_functions_in_the_templates_have_the_digests_of_their_files() -> None:
    import hashlib

    inlined = {}
    for layer in ("scan-gate", "review", "monitoring"):
        for name, resource in load(layer).items():
            if resource["Type"] == "AWS::Lambda::Function":
                code = resource["Properties"]["Code"]["ZipFile"]
                inlined[name] = code
                why = " ".join(resource["Metadata"]["Why"])
                assert hashlib.sha256(code.encode()).hexdigest() in why
                path = re.search(r"src/\S+\.py", why)
                gate = ["junit", "bandit", "safety", "snyk", "detect-secrets"]
                assert code == (source(Path(path.group()).stem).text if path else scan_gate_source(gate))
                assert resource["Properties"]["KmsKeyArn"] == {"Ref": "KeyArn"}
                assert resource["Properties"]["DeadLetterConfig"] == {"TargetArn": {"Ref": "DeadLettersQueueArn"}}

    assert inlined.keys() == {"ScanGate", "Review", "ApprovalCheck", "Stuck", "Measure"}
    # A reviewer reads it in the template.
    assert len(inlined["ScanGate"].splitlines()) < 2000


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_cloudformation_is_given_the_same_role_by_the_pipeline_and_by_the_deployer(environment: str) -> None:
    delivery = load("delivery", environment)
    service = cloudformation_yaml.load((PROJECT / f"out/{environment}/service-parcel-dispatcher.yaml").read_text())
    facts = service["Metadata"]["CicdTemplates"]
    prepared = actions(STAGES[NAMES.index(environment.capitalize())])["Prepare"]
    name = delivery["CloudFormationRole"]["Properties"]["RoleName"]

    assert facts["DeployedAs"] == delivery["ExecutionRoleArnParameter"]["Properties"]["Name"]
    assert facts["After"] == [f"shipping-{environment}-delivery-parcel-dispatcher"]
    assert prepared["Configuration"]["RoleArn"]["Fn::Sub"].endswith(f":role/{name}")
    assert prepared["RoleArn"]["Fn::Sub"].endswith(f":role/{delivery['DeliveryRole']['Properties']['RoleName']}")


def test_key_and_bucket_admit_the_delivery_roles_and_no_other_account() -> None:
    for layer, resource, statements in (
        ("keys", "Key", "KeyPolicy"),
        ("storage", "ArtifactsPolicy", "PolicyDocument"),
    ):
        template = cloudformation_yaml.load((TOOLS / f"{layer}.yaml").read_text())["Resources"]
        document = template[resource]["Properties"][statements]
        (admitting,) = [each for each in document["Statement"] if each["Sid"] == "LetDeliveryRolesReadArtifacts"]
        patterns = [each["Fn::Sub"] for each in admitting["Condition"]["ArnLike"]["aws:PrincipalArn"]]
        others = [each["Fn::Sub"] for each in admitting["Condition"]["ArnNotLike"]["aws:PrincipalArn"]]
        assert patterns == [
            "arn:${AWS::Partition}:iam::222222222222:role/shipping-staging-delivery-*",
            "arn:${AWS::Partition}:iam::333333333333:role/shipping-production-delivery-*",
        ]
        for environment in ("staging", "production"):
            roles = load("delivery", environment)
            delivery = roles["DeliveryRole"]["Properties"]["RoleName"]
            cloudformation = roles["CloudFormationRole"]["Properties"]["RoleName"]
            assert any(fnmatch(delivery, pattern.rpartition("/")[2]) for pattern in patterns)
            assert not any(fnmatch(delivery, pattern.rpartition("/")[2]) for pattern in others)
            assert any(fnmatch(cloudformation, pattern.rpartition("/")[2]) for pattern in others)
    assert artifacts_policy()["LetDeliveryRolesReadArtifacts"]["Resource"] == [
        {"Fn::Sub": "${Artifacts.Arn}/*/Templates/*"}
    ]


def test_what_the_execution_role_may_do_covers_each_type_that_the_service_has() -> None:
    prefixes = {
        "AWS::ECS::Service": "ecs:CreateService",
        "AWS::ECS::TaskDefinition": "ecs:RegisterTaskDefinition",
        "AWS::IAM::Role": "iam:CreateRole",
        "AWS::Logs::LogGroup": "logs:CreateLogGroup",
        "AWS::SSM::Parameter": "ssm:PutParameter",
    }
    (policy,) = load("delivery", "production")["CloudFormationRole"]["Properties"]["Policies"]
    allowed = {action for each in policy["PolicyDocument"]["Statement"] for action in each["Action"]}

    assert {each["Type"] for each in load("service", "production").values()} == prefixes.keys()
    assert set(prefixes.values()) <= allowed


def test_the_descriptions_of_policies_never_change() -> None:
    """CloudFormation would replace the policy, and cannot, because the name of the new one would be taken."""
    resources = load("access")
    policies = (each for each in resources.values() if each["Type"] == "AWS::IAM::ManagedPolicy")

    assert [policy["Properties"]["Description"] for policy in policies] == [
        "Release, and see what became of it",
        "Approve releases, and nothing that makes one",
        "Start, stop, retry and hold runs",
        "Collect the evidence of releases with make evidence, and nothing else",
    ]
