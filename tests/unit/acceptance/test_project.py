"""The project of a run: its configuration is valid, its archives are always the same, its access are the user's."""

from __future__ import annotations

import tomllib
import zipfile
from pathlib import Path

import pytest

from cicd_templates.acceptance.access import access_of, zones_of
from cicd_templates.acceptance.project import (
    APPLICATION,
    FAILING,
    PLANTED,
    PRODUCTION,
    SECOND,
    THIRD,
    EnvironmentAccess,
    Settings,
    settings_of,
)
from cicd_templates.config.load import parse_configuration
from cicd_templates.errors import CicdError, ConfigurationError
from tests.conftest import configured
from tests.fakes.answering_aws import FakeAws
from tests.unit.acceptance.check_context import ACCESS, SUFFIX, check_context
from tests.unit.config.problems import AUTHORITY

ROLES = {name: f"arn:aws:iam::{place.account}:role/deployer" for name, place in ACCESS.items()}


@pytest.mark.parametrize(
    ("settings", "path", "expected"),
    [
        pytest.param(Settings(), "environments/production/protection", "protected", id="protected"),
        pytest.param(
            Settings(production="disposable"), "environments/production/protection", "disposable", id="disposable"
        ),
        pytest.param(Settings(), "environments/tools/profile", "sandbox", id="the profile of the user"),
        pytest.param(Settings(roles=ROLES), "environments/tools/role_arn", ROLES["tools"], id="the role of the run"),
        pytest.param(Settings(), "environments/staging/zones", ["eu-central-1a", "eu-central-1b"], id="no known zones"),
        pytest.param(
            Settings(zones={"staging": ["eu-central-1b", "eu-central-1c"]}),
            "environments/staging/zones",
            ["eu-central-1b", "eu-central-1c"],
            id="the zones of the account",
        ),
        pytest.param(
            Settings(rollout="blue-green"),
            "environments/staging/services/shop",
            {
                "rollout": "blue-green",
                "rollback_on_alarm": True,
                "hooks": ["verify-image", "smoke"],
                "bake_minutes": 10,
            },
            id="rollout",
        ),
        pytest.param(
            Settings(window="* * * ? * MON"), "environments/production/deployment_window", "* * * ? * MON", id="window"
        ),
        pytest.param(
            Settings(trusted=AUTHORITY.strip()), "environments/staging/certificate_authority", AUTHORITY, id="trusted"
        ),
        pytest.param(
            Settings(),
            "environments/staging/domain",
            "acceptance-staging.eu-central-1.elb.amazonaws.com",
            id="a name for which the certificate is",
        ),
        pytest.param(
            Settings(patch={"network": {"Resources.FlowLogGroup.Properties.KmsKeyId": "none"}}),
            "environments/staging/patch/network",
            {
                "Resources.FlowLogGroup.Properties.KmsKeyId": {
                    "value": "none",
                    "because": "the acceptance run makes this creation fail on purpose",
                }
            },
            id="patch",
        ),
    ],
)
def test_a_project_is_valid_and_has_what_was_decided(
    tmp_path: Path, settings: Settings, path: str, expected: object
) -> None:
    check_context(tmp_path).project.write(settings)
    raw = tomllib.loads((tmp_path / "templates/environments.toml").read_text())

    parse_configuration(raw, source="environments.toml", suffix=SUFFIX)
    value: object = raw
    for key in path.split("/"):
        assert isinstance(value, dict)
        value = value[key]
    assert value == expected


def test_the_commands_of_a_session_have_neither_a_role_nor_a_profile(tmp_path: Path) -> None:
    check_context(tmp_path).project.write(Settings(roles=ROLES, sessions=["tools"]))
    environments = tomllib.loads((tmp_path / "templates/environments.toml").read_text())["environments"]

    assert environments["staging"]["role_arn"] == ROLES["staging"]
    assert not {"profile", "role_arn", "external_id"} & set(environments["tools"])


def test_each_release_is_another_one_and_the_failing_one_fails_its_orders(tmp_path: Path) -> None:
    check_context(tmp_path).project.write(Settings())
    contents = {}
    for name in (APPLICATION, SECOND, THIRD, FAILING):
        with zipfile.ZipFile(tmp_path / name) as archive:
            contents[name] = {file: archive.read(file) for file in archive.namelist()}

    assert len({tuple(sorted(files.items())) for files in contents.values()}) == 4
    differing = {file for file, text in contents[FAILING].items() if text != contents[APPLICATION].get(file)}
    assert differing == {"shop/__main__.py"}
    assert b'\nos.environ["FAIL"] = "1"\n' in contents[FAILING]["shop/__main__.py"]
    compile(contents[FAILING]["shop/__main__.py"], "__main__.py", "exec")


def test_the_same_application_is_the_same_archive_and_the_other_has_one_more_file(tmp_path: Path) -> None:
    project = check_context(tmp_path).project
    project.write(Settings())
    first = (tmp_path / APPLICATION).read_bytes()
    project.write(Settings())

    assert (tmp_path / APPLICATION).read_bytes() == first
    with zipfile.ZipFile(tmp_path / APPLICATION) as plain, zipfile.ZipFile(tmp_path / PLANTED) as planted:
        assert set(planted.namelist()) - set(plain.namelist()) == {"shop/planted.py"}
        assert {"Dockerfile", "shop/app.py", "rehearsal/serve", "smoke/smoke.py"} <= set(plain.namelist())
        assert not [name for name in plain.namelist() if "cache" in name]


@pytest.mark.parametrize(
    ("region", "name"),
    [
        ("eu-central-1", "*.eu-central-1.elb.amazonaws.com"),
        ("us-gov-west-1", "*.us-gov-west-1.elb.amazonaws.com"),
        ("cn-north-1", "*.cn-north-1.elb.amazonaws.com.cn"),
    ],
)
def test_the_certificate_is_for_every_load_balancer_of_the_region(region: str, name: str) -> None:
    assert EnvironmentAccess("111111111111", region).certificate_name == name


def test_names_have_the_suffix_of_the_run(tmp_path: Path) -> None:
    project = check_context(tmp_path).project

    assert project.name("staging") == "acceptance-staging-abcde"
    assert project.deployer("staging") == "acceptance-staging-abcde-acceptance"
    assert project.rendered("staging") == tmp_path / "build/abcde/staging-abcde"
    assert project.engine_file == tmp_path / ".state/local.json"
    assert settings_of({"settings": {"rollout": "canary"}}) == Settings(rollout="canary")


def test_the_places_are_those_of_the_users_configuration() -> None:
    access = access_of(configured(("environments/staging/profile", "sandbox")))

    assert {name: place.account for name, place in access.items()} == {
        "staging": "222222222222",
        "production": "333333333333",
        "tools": "111111111111",
    }
    assert (access["staging"].profile, access[PRODUCTION].profile) == ("sandbox", None)


def test_the_zones_of_a_run_are_the_first_two_that_the_account_can_use() -> None:
    names = ["us-east-1f", "us-east-1c", "us-east-1d"]
    aws = FakeAws({"ec2.describe_availability_zones": {"AvailabilityZones": [{"ZoneName": name} for name in names]}})

    assert zones_of(aws.ec2, "us-east-1") == ["us-east-1c", "us-east-1d"]
    ((_, request),) = aws.calls
    assert {each["Name"]: each["Values"] for each in request["Filters"]} == {
        "opt-in-status": ["opt-in-not-required"], "zone-type": ["availability-zone"], "state": ["available"],
    }  # fmt: skip


def test_an_account_with_one_zone_cannot_have_a_run() -> None:
    aws = FakeAws({"ec2.describe_availability_zones": {"AvailabilityZones": [{"ZoneName": "us-east-1a"}]}})

    with pytest.raises(CicdError, match="us-east-1: the account can use 1 availability zones, but the run needs 2"):
        zones_of(aws.ec2, "us-east-1")


def test_a_configuration_without_a_runtime_environment_is_refused() -> None:
    class Empty:
        deploy_order = ()

    with pytest.raises(ConfigurationError, match="needs an environment `tools`"):
        access_of(Empty())  # type: ignore[arg-type] # it needs the order alone
