"""Releases, secrets and the stacks that only the pipeline deploys, on the local AWS through the users' commands."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.config.naming import TEMPLATES_KEY
from cicd_templates.deploy.releases import release
from tests.integration.conftest import Project

pytestmark = [pytest.mark.integration, pytest.mark.long]


def bucket(project: Project, name: str) -> str:
    return f"shipping-tools-{name}-{project.accounts['tools']}-eu-central-1"


@pytest.fixture
def app(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return an application in a plain folder, which is not in a git work tree."""
    folder = tmp_path_factory.mktemp("app")
    (folder / "src").mkdir(parents=True)
    (folder / "src/app.py").write_text("print(1)\n")
    (folder / "Dockerfile").write_text("FROM scratch\n")
    return str(folder)


def test_a_release_uploads_a_version_and_shows_the_request_that_starts_the_run(project: Project, app: str) -> None:
    project.ok("deploy --env tools --local --yes")
    released = project.ok(f"release --app {app} --local")

    lines = {line.split()[0]: line for line in released.splitlines()}
    version = lines["version"].split()[1]
    request = json.loads(released.partition("request\n")[2])
    assert request == {
        "name": "parcel-dispatcher-shipping-tools",
        "sourceRevisions": [{"actionName": "App", "revisionType": "S3_OBJECT_VERSION_ID", "revisionValue": version}],
    }
    stored = project.clients("tools").s3.get_object(
        Bucket=bucket(project, "source"), Key="parcel-dispatcher/source.zip", VersionId=version
    )
    assert stored["Metadata"]["revision"].startswith("sha256:")
    assert zipfile.ZipFile(io.BytesIO(stored["Body"].read())).namelist() == ["Dockerfile", "src/app.py"]

    again = project.ok(f"release --app {app} --local --service parcel-dispatcher")
    assert version not in again


def sign_in_until(ended: Path, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the local AWS as if it were AWS, with credentials that a process renews until the file `ended` exists.

    They are due in five minutes, so that botocore renews them before each request.
    """
    due = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    credentials = {
        "Version": 1,
        "AccessKeyId": project.accounts["tools"],
        "SecretAccessKey": project.engine.secret,
        "Expiration": due,
    }
    answer, config = ended.with_name("credentials.json"), ended.with_name("config")
    answer.write_text(json.dumps(credentials))
    config.write_text(f"[default]\ncredential_process = sh -c 'test ! -e {ended} && cat {answer}'\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_ENDPOINT_URL", project.engine.url)
    project.edit("[environments.tools]\n", "[environments.tools]\nallow_endpoint_urls = true\n")


def test_a_run_whose_credentials_end_while_it_is_followed_continues_and_is_named(
    project: Project, app: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.ok("deploy --env tools --local --yes")
    ended, actions = tmp_path_factory.mktemp("sign-in") / "ended", release._actions
    sign_in_until(ended, project, monkeypatch)

    def end_after_the_first_look(*run: Any) -> Iterator[Any]:
        yield from actions(*run)
        ended.touch()

    monkeypatch.setattr(release, "_actions", end_after_the_first_look)
    result = project.type(f"release --app {app} --wait")

    assert ended.exists()
    assert result.exit_code == 75, result.output
    (start,) = project.engine.record.starts(project.accounts["tools"])
    assert f"  run      {start['execution']} of parcel-dispatcher-shipping-tools\n" in result.output
    assert f"the run {start['execution']} of parcel-dispatcher-shipping-tools continues in AWS" in result.output
    assert "do not release again, because this would start another run" in result.output
    assert "Traceback" not in result.output


def test_another_object_in_the_bucket_starts_no_run(project: Project) -> None:
    project.ok("deploy --env tools --local --yes")
    clients = project.clients("tools")
    for other in ("another/source.zip", "parcel-dispatcher/source.zip.bak"):
        clients.s3.put_object(Bucket=bucket(project, "source"), Key=other, Body=b"x")

    assert project.engine.record.starts(project.accounts["tools"]) == []


@pytest.mark.parametrize(
    ("command", "expected", "code"),
    [
        (
            "release --local --app {app}",
            "parcel-dispatcher has no pipeline yet; deploy it first: make deploy ENV=tools LOCAL=1",
            1,
        ),
        ("release --local --app {app} --service x", "no service 'x'; templates/environments.toml has parcel-", 2),
        (
            "release --local --app /nowhere",
            "/nowhere: no such folder; APP= must name a git work tree",
            2,
        ),
        (
            "secret --local --name snyk-token",
            "dispatcher-snyk-token: the secret does not exist; deploy it first: make deploy ENV=tools LOCAL=1",
            1,
        ),
        ("secret --local", "which secret? Name one with --name: safety-api-key, snyk-token", 2),
        ("release --local --app {app} --wait", "leave out --wait: the local AWS has no pipeline run", 2),
        ("release --local", "which source? Name a git work tree, a folder or a .zip file with --app", 2),
        ("secret --local --name x --env qa", "no environment 'qa'", 2),
        (
            "secret --local --name Snyk_Token",
            "parcel-dispatcher has no secret 'Snyk_Token' in tools",
            2,
        ),
    ],
)
def test_a_missing_pipeline_or_secret_is_reported_in_one_line(
    project: Project, app: str, command: str, expected: str, code: int
) -> None:
    result = project.type(command.format(app=app), input_text="token\n")

    assert (result.exit_code, result.output.count("Traceback")) == (code, 0)
    assert expected in result.output


def test_a_secret_comes_from_standard_input_and_is_printed_nowhere(project: Project) -> None:
    project.ok("deploy --env tools --local --yes")
    result = project.type("secret --local --name snyk-token", input_text="a-token-of-mine\n")

    assert result.exit_code == 0, result.output
    assert "a-token-of-mine" not in result.output
    name = "shipping-tools-parcel-dispatcher-snyk-token"
    value = project.clients("tools").secretsmanager.get_secret_value(SecretId=name)["SecretString"]
    assert value == "a-token-of-mine"


def test_the_reviewed_templates_are_there_before_the_pipeline_with_their_commit(project: Project) -> None:
    before = project.ok("deploy --env staging --local --yes")
    assert "templates: not handed to the pipeline yet" in before

    tools = project.ok("deploy --env tools --local --yes")
    assert tools.index("templates: handed to the pipeline as version") < tools.index(
        "pipeline-parcel-dispatcher: create"
    )
    stored = project.clients("tools").s3.get_object(Bucket=bucket(project, "templates"), Key=TEMPLATES_KEY)
    data = stored["Body"].read()
    with zipfile.ZipFile(io.BytesIO(data)) as bundle:
        reviewed = (project.folder / "out/staging/service-parcel-dispatcher.yaml").read_bytes()
        assert bundle.read("staging/service-parcel-dispatcher.yaml") == reviewed
        assert json.loads(bundle.read("production/service-parcel-dispatcher.configuration.json"))["Tags"]

    assert stored["Metadata"] == {
        "sha256": hashlib.sha256(data).hexdigest(),
        "commit": project.head,
        "handed-over-by": f"arn:aws:iam::{project.accounts['tools']}:root",
    }
    assert "templates: the pipeline already has these" in project.ok("deploy --env staging --local --yes")


def handed_over(project: Project) -> str:
    """Return the version of the templates that were uploaded for the pipeline."""
    return str(
        project.clients("tools").s3.head_object(Bucket=bucket(project, "templates"), Key=TEMPLATES_KEY)["VersionId"]
    )


def test_templates_in_no_commit_are_deployed_where_data_is_disposable_and_handed_over_nowhere(
    project: Project,
) -> None:
    project.ok("deploy --env tools --local --yes")
    before = handed_over(project)
    weaker = project.folder / "out/production/service-parcel-dispatcher.yaml"
    weaker.write_text(weaker.read_text() + "# weaker\n")

    deployed = project.ok("deploy --env staging --layer keys --local --yes --hand-over")
    uncommitted = "templates: the work tree's templates are deployed, although no commit contains them: "
    assert f"{uncommitted}out/production/service-parcel-" in deployed
    assert "templates: not handed to the pipeline, because no commit contains them" in deployed
    assert "keys: created" in deployed
    assert handed_over(project) == before

    project.ok("plan --env production --layer keys --local")
    refused = project.type("deploy --plan .state/local/plans/production.json --local --hand-over")
    assert (refused.exit_code, refused.output.count("\n  ")) == (3, 0)
    assert "production is protected: out/production/service-parcel-dispatcher.yaml was edited by hand" in refused.output
    assert "created" not in refused.output
    project.render_and_commit()
    executed = project.type("deploy --plan .state/local/plans/production.json --local")
    assert "keys: created" in executed.output


def test_a_deployment_of_staging_changes_what_production_will_get_only_by_a_consent_of_its_own(
    project: Project,
) -> None:
    project.ok("deploy --env tools --local --yes")
    before = handed_over(project)
    project.edit('cost_center = "cc-4100"', 'cost_center = "cc-4200"')
    head = project.render_and_commit()

    deployed = project.ok("deploy --env staging --layer keys --local --yes")
    assert "keys: created" in deployed
    assert "templates: the pipeline would also get the changed files of production: " in deployed
    assert "templates: not handed to the pipeline, because files of other environments also changed" in deployed
    assert handed_over(project) == before

    consented = project.ok("deploy --env staging --layer keys --local --yes --hand-over")
    assert f"templates: handed to the pipeline as version {handed_over(project)}, commit {head[:12]}" in consented
    assert handed_over(project) != before
    assert "the pipeline already has these" in project.ok("deploy --env staging --layer keys --local --yes")


def test_only_the_pipeline_deploys_a_protected_service_once_it_exists(project: Project) -> None:
    first = project.ok("deploy --env all --local --yes")
    assert "service-parcel-dispatcher: created" in first.partition("Deploying production")[2]

    again = project.ok("deploy --env production --local --yes")
    assert "service-parcel-dispatcher: left to the pipeline" in again
    named = project.type("deploy --env production --layer service --local --yes")
    assert named.exit_code == 3
    assert "this stack is updated by releases" in named.output
    # A disposable environment may be deployed by hand at any time.
    assert "service-parcel-dispatcher: nothing to change" in project.ok("deploy --env staging --local --yes")


def test_a_service_without_its_delivery_role_names_the_layer_to_deploy_first(project: Project) -> None:
    refused = project.type("deploy --env staging --layer service --local --yes")

    assert refused.exit_code == 1
    assert "/delivery-parcel-dispatcher/ExecutionRoleArn yet; deploy the layer delivery first" in refused.output


def test_cloudformation_is_given_the_delivery_role_from_the_first_creation_on(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}
    clients_of = __import__("cicd_templates.deploy.aws.clients", fromlist=["Clients"]).Clients
    original = clients_of._client

    def watched(self: Any, service: str) -> Any:
        client = original(self, service)
        if service == "cloudformation":
            create = client.create_change_set
            client.create_change_set = lambda **request: (
                given.update({request["StackName"]: request.get("RoleARN")}) or create(**request)
            )
        return client

    monkeypatch.setattr(clients_of, "_client", watched)
    project.ok("deploy --env staging --local --yes")

    account = project.accounts["staging"]
    role = f"arn:aws:iam::{account}:role/shipping-staging-delivery-execution-parcel-dispatcher"
    assert given["shipping-staging-service-parcel-dispatcher"] == role
    assert given["shipping-staging-keys"] is None
