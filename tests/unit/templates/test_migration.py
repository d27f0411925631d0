"""A service with a migration: its task, the principals that may run it, and its place in the pipeline."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cicd_templates.functions import deployed_release, migrate, review
from cicd_templates.template import cloudformation_yaml
from tests.conftest import RAW, rendered_stacks
from tests.unit.config.problems import SERVICE, problems_of

COMMAND = ["python3", "-m", "depot.migrate"]
MIGRATION = (f"{SERVICE}/migration", COMMAND)
PARCELS = [("tables/parcels", {"partition_key": "parcel_id"}), (f"{SERVICE}/uses", {"parcels": "readwrite"})]
SECRET = (f"{SERVICE}/secrets", {"DATABASE": "/shipping/database"})
NAME = "parcel-dispatcher"


def rendered(*edits: tuple[str, Any]) -> dict[str, Any]:
    return {stack.path.removesuffix(".yaml"): cloudformation_yaml.load(stack.text) for stack in rendered_stacks(*edits)}


@pytest.fixture(scope="module")
def stacks() -> dict[str, Any]:
    return rendered(MIGRATION, SECRET, *PARCELS)


def resources(stacks: dict[str, Any], path: str) -> dict[str, Any]:
    found: dict[str, Any] = stacks[path]["Resources"]
    return found


def statements(role: dict[str, Any]) -> dict[str, Any]:
    (policy,) = role["Properties"]["Policies"]
    return {each["Sid"]: each for each in policy["PolicyDocument"]["Statement"]}


def stage(stacks: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [
        each
        for each in resources(stacks, f"tools/pipeline-{NAME}")["Pipeline"]["Properties"]["Stages"]
        if each["Name"] == name
    ]
    return {action["Name"]: action for action in found["Actions"]}


def test_without_a_migration_nothing_of_it_is_rendered() -> None:
    without = rendered()

    assert not [path for path in without if "migration" in path]
    assert "igration" not in json.dumps(resources(without, f"tools/pipeline-{NAME}"))
    assert resources(without, f"production/delivery-{NAME}").keys() == {
        *("CloudFormationRole", "DeliveryRole", "ReviewRole", "ExecutionRoleArnParameter"),
    }


@pytest.mark.no_cover
@pytest.mark.parametrize("environment", ["staging", "production"])
def test_a_stack_whose_migration_was_removed_can_still_be_deleted(stacks: dict[str, Any], environment: str) -> None:
    path = f"{environment}/delivery-{NAME}"

    assert statements(resources(rendered(), path)["CloudFormationRole"]) == statements(
        resources(stacks, path)["CloudFormationRole"]
    )


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_the_task_has_the_image_secrets_and_variables_of_the_service_and_another_command(
    stacks: dict[str, Any], environment: str
) -> None:
    (own,) = resources(stacks, f"{environment}/service-{NAME}")["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    task = resources(stacks, f"{environment}/migration-{NAME}")["TaskDefinition"]["Properties"]
    (container,) = task["ContainerDefinitions"]

    assert container["Command"] == COMMAND
    assert "PortMappings" not in container
    for same in ("Image", "Secrets", "User", "ReadonlyRootFilesystem", "LinuxParameters"):
        assert container[same] == own[same]
    variables = {each["Name"] for each in container["Environment"]}
    assert variables == {each["Name"] for each in own["Environment"]} - {"PORT"}
    assert "PARCELS_TABLE_NAME" in variables
    assert task["Family"] == f"shipping-{environment}-{NAME}-migration"
    assert (
        stacks[f"{environment}/migration-{NAME}"]["Parameters"]["ImageUri"]
        == (stacks[f"{environment}/service-{NAME}"]["Parameters"]["ImageUri"])
    )


def test_the_task_has_roles_a_log_and_a_security_group_of_its_own(stacks: dict[str, Any]) -> None:
    found = resources(stacks, f"staging/migration-{NAME}")
    own = resources(stacks, f"staging/service-{NAME}")

    for role in ("ExecutionRole", "TaskRole"):
        assert found[role]["Properties"]["RoleName"] != own[role]["Properties"]["RoleName"]
        assert set(statements(found[role])) == set(statements(own[role]))
    assert found["LogGroup"]["Properties"]["LogGroupName"] == f"/shipping/staging/migration/{NAME}"
    assert "DataProtectionPolicy" in found["LogGroup"]["Properties"]
    group = resources(stacks, f"staging/ingress-{NAME}")["MigrationGroup"]["Properties"]
    tasks = resources(stacks, f"staging/ingress-{NAME}")["TasksGroup"]["Properties"]
    assert group["SecurityGroupEgress"] == tasks["SecurityGroupEgress"]
    assert group["GroupName"] == f"{tasks['GroupName']}-migration"
    assert "SecurityGroupIngress" not in group


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_the_function_may_run_this_task_and_nothing_else(stacks: dict[str, Any], environment: str) -> None:
    account = {"staging": "222222222222", "production": "333333333333"}[environment]
    role = resources(stacks, f"{environment}/delivery-{NAME}")["MigrationRole"]
    allowed = statements(role)
    begin = f"arn:${{AWS::Partition}}:ecs:eu-central-1:{account}"
    cluster = {"ArnEquals": {"ecs:cluster": {"Fn::Sub": f"{begin}:cluster/shipping-{environment}-cluster"}}}

    assert {sid: each["Action"] for sid, each in allowed.items()} == {
        "RunTheMigration": ["ecs:RunTask"],
        "FollowTheTask": ["ecs:DescribeTasks"],
        "FindRunningTasks": ["ecs:ListTasks"],
        "LookAtItsImage": ["ecs:DescribeTaskDefinition"],
        "GiveTheTaskItsRoles": ["iam:PassRole"],
        "ReadItsLog": ["logs:GetLogEvents"],
    }
    family = f"shipping-{environment}-{NAME}-migration"
    assert allowed["RunTheMigration"]["Resource"] == [{"Fn::Sub": f"{begin}:task-definition/{family}:*"}]
    for sid in ("RunTheMigration", "FollowTheTask", "FindRunningTasks"):
        assert allowed[sid]["Condition"] == cluster
    names = [
        resources(stacks, f"{environment}/migration-{NAME}")[task]["Properties"]["RoleName"]
        for task in ("ExecutionRole", "TaskRole")
    ]
    passed = [arn["Fn::Sub"].rpartition("/")[2] for arn in allowed["GiveTheTaskItsRoles"]["Resource"]]
    assert passed == names
    (log,) = allowed["ReadItsLog"]["Resource"]
    assert log["Fn::Sub"].endswith(f"log-group:/shipping/{environment}/migration/{NAME}:log-stream:*")
    trusted = json.dumps(role["Properties"]["AssumeRolePolicyDocument"])
    function = resources(stacks, f"tools/migration-runner-{NAME}")["MigrateRole"]
    assert function["Properties"]["RoleName"] in trusted
    assert {arn["Fn::Sub"].rpartition("/")[2] for arn in statements(function)["RunTheMigration"]["Resource"]} == {
        f"shipping-{each}-migration-{NAME}" for each in ("staging", "production")
    }


def orders(actions: dict[str, Any]) -> dict[str, int]:
    return {name: action["RunOrder"] for name, action in actions.items()}


def test_staging_migrates_in_a_stage_of_its_own_before_the_service_moves(stacks: dict[str, Any]) -> None:
    stages = resources(stacks, f"tools/pipeline-{NAME}")["Pipeline"]["Properties"]["Stages"]
    names = [each["Name"] for each in stages]
    migration, service = (stages[names.index(name)] for name in ("Staging-Migration", "Staging"))

    assert names.index("Staging-Migration") + 1 == names.index("Staging")
    assert orders(stage(stacks, "Staging-Migration")) == {
        "PrepareMigration": 1,
        "CheckMigrationStaging": 2,
        "ExecuteMigration": 3,
        "MigrateStaging": 4,
        "AttestMigrationStaging": 5,
    }
    assert orders(stage(stacks, "Staging")) == {
        "Prepare": 1,
        "CheckStaging": 2,
        "Execute": 3,
        "StagingSmokeTest": 4,
        "AttestStaging": 5,
    }
    asked = json.loads(
        stage(stacks, "Staging-Migration")["AttestMigrationStaging"]["Configuration"]["UserParameters"]["Fn::Sub"]
    )
    assert (asked["layers"], asked["environment"]) == (deployed_release.MIGRATION_LAYER, "staging")
    assert migration["Name"] == f"{service['Name']}{deployed_release.MIGRATION_STAGE}"
    assert {"ExecuteMigration", f"{deployed_release.MIGRATE_ACTION}{service['Name']}"} <= stage(
        stacks, "Staging-Migration"
    ).keys()
    # A failed migration can be retried, and a rollback of the service runs no migration.
    assert "OnFailure" not in migration
    assert service["OnFailure"]["Result"] == "ROLLBACK"
    assert migration["BeforeEntry"] == service["BeforeEntry"]


def test_no_stage_with_a_migration_rolls_back(stacks: dict[str, Any]) -> None:
    with_migration = {
        each["Name"]: "OnFailure" in each
        for each in resources(stacks, f"tools/pipeline-{NAME}")["Pipeline"]["Properties"]["Stages"]
        if any(action["Name"].startswith("Migrate") for action in each["Actions"])
    }

    assert with_migration == {"Staging-Migration": False, "Production": False}


def test_the_function_verifies_the_image_of_the_release_and_records_its_attempts(stacks: dict[str, Any]) -> None:
    found = resources(stacks, f"tools/migration-runner-{NAME}")
    allowed = statements(found["MigrateRole"])
    variables = found["Migrate"]["Properties"]["Environment"]["Variables"]

    assert variables["REPOSITORY"]["Fn::Sub"].endswith(f"/shipping-tools-{NAME}")
    assert variables["SEVERITIES"] == "CRITICAL,HIGH"
    assert variables["SERVICE"] == NAME
    (scan,) = allowed["ReadTheScan"]["Resource"]
    assert scan["Fn::Sub"].endswith(f":repository/shipping-tools-{NAME}")
    for sid, actions in (
        ("RecordAttempts", ["s3:PutObject"]),
        ("ReadAttempts", ["s3:GetObject", "s3:GetObjectVersion"]),
    ):
        assert allowed[sid]["Action"] == actions
        assert json.dumps(allowed[sid]["Resource"]).count(f"/{NAME}/migrations/*") == 1
    for environment in ("staging", "production"):
        listing = allowed[f"FindAttemptsIn{environment.capitalize()}"]
        assert listing["Condition"] == {"StringEquals": {"s3:prefix": f"{NAME}/migrations/{environment}/"}}
    for name in ("Staging-Migration", "Production"):
        asked = next(action for action in stage(stacks, name) if action.startswith("Migrate"))
        parameters = json.loads(stage(stacks, name)[asked]["Configuration"]["UserParameters"]["Fn::Sub"])
        assert parameters["image"] == "#{Image.IMAGE_URI}"
        assert parameters["stage"] == name
        assert parameters.keys() == migrate.REQUIRED


def test_production_migrates_after_the_approval_and_before_the_service_moves(stacks: dict[str, Any]) -> None:
    production = stage(stacks, "Production")

    assert orders(production) == {
        "Prepare": 1,
        "PrepareMigration": 1,
        "ReviewProduction": 2,
        "Approve": 3,
        "CheckProduction": 4,
        "ExecuteMigration": 5,
        "MigrateProduction": 6,
        "CheckServiceProduction": 7,
        "Execute": 8,
        "AttestProduction": 9,
    }
    before, again = (
        json.loads(production[name]["Configuration"]["UserParameters"]["Fn::Sub"])
        for name in ("CheckProduction", "CheckServiceProduction")
    )
    prepared = [production[name]["Configuration"]["StackName"] for name in ("PrepareMigration", "Prepare")]
    assert before["stacks"] == ",".join(prepared)
    assert before["layers"] == "migration,service"
    assert again == before | {"stacks": prepared[1], "layers": "service"}
    # CodePipeline's limit, with the values in place of the variables.
    assert len(json.dumps(before)) + 36 + 64 < 1000
    attested = json.loads(production["AttestProduction"]["Configuration"]["UserParameters"]["Fn::Sub"])
    assert attested.keys() == deployed_release.DEPLOYED | deployed_release.REVIEWED
    assert (attested["stacks"], attested["layers"]) == (before["stacks"], "migration,service")
    assert len(json.dumps(attested)) + 36 + 64 < 1000
    asked = json.loads(production["ReviewProduction"]["Configuration"]["UserParameters"]["Fn::Sub"])
    assert asked.keys() == review.REQUIRED | review.OPTIONAL
    assert asked["migration"] == production["PrepareMigration"]["Configuration"]["StackName"]
    assert asked["changeSet"] == production["PrepareMigration"]["Configuration"]["ChangeSetName"]


@pytest.mark.parametrize(("environment", "name"), [("Staging", "Staging-Migration"), ("Production", "Production")])
def test_the_function_gets_the_task_definition_that_this_run_has_made(
    stacks: dict[str, Any], environment: str, name: str
) -> None:
    actions = stage(stacks, name)
    prepared, executed = actions["PrepareMigration"]["Configuration"], actions["ExecuteMigration"]
    asked = json.loads(actions[f"Migrate{environment}"]["Configuration"]["UserParameters"]["Fn::Sub"])
    path = f"{environment.lower()}/migration-{NAME}"
    service = stage(stacks, environment)["Prepare"]["Configuration"]

    assert prepared["TemplatePath"] == f"Templates::{path}.yaml"
    assert prepared["ParameterOverrides"] == service["ParameterOverrides"]
    assert prepared["RoleArn"] == service["RoleArn"]
    assert executed["Configuration"]["StackName"] == prepared["StackName"]
    for key in ("definition", "subnets", "group"):
        namespace, output = asked[key].strip("#{}").split(".")
        assert namespace == executed["Namespace"]
        assert output in stacks[path]["Outputs"]
    assert asked["stage"] == name
    assert asked["log"] == resources(stacks, path)["LogGroup"]["Properties"]["LogGroupName"]
    # CodePipeline's limit, with the values in place of the variables: six subnets, an ARN and a group.
    assert len(json.dumps(asked)) + 6 * 25 + 120 + 20 < 1000


def test_only_the_roles_of_the_release_deploy_the_migration(stacks: dict[str, Any]) -> None:
    found = resources(stacks, f"production/delivery-{NAME}")
    path = f"stack/shipping-production-migration-{NAME}/*"

    for role, sid in (("DeliveryRole", "ReplaceTheChangeSet"), ("ReviewRole", "LookAtChangeSets")):
        assert path in json.dumps(statements(found[role])[sid]["Resource"])
    made = [
        arn["Fn::Sub"].rpartition("/")[2]
        for arn in statements(found["CloudFormationRole"])["MakeTheTaskRoles"]["Resource"]
    ]
    assert made == [
        f"shipping-production-{NAME}-{words}"
        for words in ("execution", "task", "migration-execution", "migration-task")
    ]
    assert f"log-group:/shipping/production/migration/{NAME}:*" in json.dumps(
        statements(found["CloudFormationRole"])["KeepTheLogGroup"]["Resource"]
    )
    pulling = json.dumps(resources(stacks, f"tools/registry-{NAME}"))
    assert f"shipping-production-{NAME}-migration-execution" in pulling


def test_the_migration_reaches_what_the_service_uses_in_the_vpc() -> None:
    from cicd_templates.layer.offers import Offer, Port, Use
    from cicd_templates.layer.outputs import Output, SecurityGroupId
    from templates import ingress
    from tests.conftest import environment

    group = Output(SecurityGroupId, "depot", "DepotGroupId", "Security group of the depot")
    offer = Offer("depot", {}, {"read": lambda layer: []}, Port(group, 5432))
    env = environment("staging", MIGRATION)
    found = ingress.build(env, env.services[0], [Use(offer, "read")]).template.to_dict()["Resources"]

    for own, egress, into in (
        ("TasksGroup", "ToDepot", "DepotFromTasks"),
        ("MigrationGroup", "MigrationToDepot", "DepotFromMigration"),
    ):
        to = {"Fn::GetAtt": [own, "GroupId"]}
        assert found[egress]["Properties"]["GroupId"] == to
        assert found[into]["Properties"]["SourceSecurityGroupId"] == to
        assert (found[into]["Properties"]["FromPort"], found[into]["Properties"]["ToPort"]) == (5432, 5432)


@pytest.mark.no_cover
def test_a_worker_migrates_before_it_moves_as_well() -> None:
    queue = [("queues/inbox", {}), (f"{SERVICE}/uses", {"inbox": "receive"}), (f"{SERVICE}/shape", "worker")]
    of_a_web_service = [
        (f"{SERVICE}/{key}", ...) for key in ("port", "integration", "smoke") if key in RAW["services"][NAME]
    ]
    stacks = rendered(MIGRATION, *queue, *of_a_web_service)

    assert orders(stage(stacks, "Staging-Migration")) == {
        "PrepareMigration": 1,
        "CheckMigrationStaging": 2,
        "ExecuteMigration": 3,
        "MigrateStaging": 4,
        "AttestMigrationStaging": 5,
    }
    assert orders(stage(stacks, "Staging")) == {
        "Prepare": 1,
        "CheckStaging": 2,
        "Execute": 3,
        "AttestStaging": 4,
    }
    assert "MigrationGroup" in resources(stacks, f"staging/ingress-{NAME}")
    (container,) = resources(stacks, f"staging/migration-{NAME}")["TaskDefinition"]["Properties"][
        "ContainerDefinitions"
    ]
    assert [each["Name"] for each in container["Environment"]] == ["INBOX_QUEUE_URL"]


def test_one_release_has_one_migration() -> None:
    edit = ("environments/production/services/parcel-dispatcher/migration", ["true"])

    (problem,) = problems_of(MIGRATION, edit)
    assert problem == (
        "environments.production.services.parcel-dispatcher.migration: ['true'] differs from ['python3', '-m',"
        " 'depot.migrate'] in another environment; a release has one migration, so set one value in"
        " [services.parcel-dispatcher]"
    )


@pytest.mark.parametrize("command", ["python3 migrate.py", [""], [1]])
def test_a_migration_is_a_list_of_words(command: Any) -> None:
    (problem,) = problems_of((f"{SERVICE}/migration", command))

    assert problem.startswith("services.parcel-dispatcher.migration")
