"""The programs that replace those of a build container in a rehearsal."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.deploy.aws.clients import local_clients
from cicd_templates.errors import CicdError
from cicd_templates.local.engine_process import Engine
from cicd_templates.rehearsal.deployed_pipeline import deploy_stacks, read_every_stack
from cicd_templates.rehearsal.programs import aws, docker, recorded
from tests.conftest import PROJECT

pytestmark = pytest.mark.integration
ACCOUNT = "600000000001"


@pytest.fixture
def account(engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Yield an account of the local AWS with a bucket and a repository.

    The environment variables are those of a build.
    """
    clients = local_clients(engine.url, ACCOUNT, "eu-central-1", engine.secret)
    if "images" not in [each["repositoryName"] for each in clients.ecr.describe_repositories()["repositories"]]:
        clients.ecr.create_repository(repositoryName="images")
        clients.s3.create_bucket(Bucket="programs", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    for name, value in {
        "AWS_ENDPOINT_URL": engine.url,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": engine.secret,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "HOME": str(tmp_path),
        "REHEARSAL_NOTES": str(tmp_path / "notes"),
        "CODEBUILD_SRC_DIR": str(tmp_path),
        "NO_PROXY": "*",
    }.items():
        monkeypatch.setenv(name, value)
    return clients


def test_objects_are_uploaded_and_downloaded(account: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "body").write_text("content")
    put = ["s3api", "put-object", "--bucket", "programs", "--key", "k", "--body", str(tmp_path / "body")]

    assert aws.main([*put, "--query", "ETag", "--output", "text"]) == 0
    assert aws.main(["s3api", "get-object", "--bucket", "programs", "--key", "k", str(tmp_path / "got")]) == 0
    assert (tmp_path / "got").read_text() == "content"
    etag, answer = capsys.readouterr().out.split("\n", 1)
    assert etag.strip('"').isalnum()
    assert json.loads(answer)["ContentLength"] == len("content")
    listed = ["s3api", "list-objects-v2", "--bucket", "programs", "--max-keys", "1", "--output", "text"]
    assert aws.main([*listed, "--query", "Contents[].Key"]) == 0
    assert aws.main([*listed, "--query", "Nothing"]) == 0
    assert capsys.readouterr().out == '["k"]\nNone\n'


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["s3api", "get-object", "--bucket", "programs", "--key", "no", "x"], 254, "(NoSuchKey)"),
        (
            ["ecr", "describe-images", "--repository-name", "images", "--image-ids", "imageTag=no"],
            254,
            "(ImageNotFoundException)",
        ),
        (
            ["ecr", "describe-images", "--repository-name", "images", "--image-ids", '{"imageTag": "no"}'],
            254,
            "(ImageNotFoundException)",
        ),
        (["s3api", "get-object", "--bucket", "programs"], 252, "aws: error: s3api get-object"),
        (["s3api", "fly"], 252, "aws: error: s3api fly"),
        (["s3api", "get-object", "--wings", "2"], 252, "wings"),
    ],
)
def test_errors_are_those_of_the_command_line(
    account: Any, arguments: list[str], code: int, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert aws.main(arguments) == code
    assert expected in capsys.readouterr().err


def test_a_password_of_the_registry_is_given_out(account: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert aws.main(["ecr", "get-login-password", "--region", "eu-central-1"]) == 0
    token = account.ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    assert capsys.readouterr().out.strip() == base64.b64decode(token).decode().partition(":")[2]


def test_an_image_is_pushed_that_was_not_built(account: Any, tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM scratch\n")
    image = f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com/images:v1"

    assert docker.main(["build", "--pull", "--tag", image, str(context)]) == 0
    assert docker.main(["push", image]) == 0
    (found,) = account.ecr.describe_images(repositoryName="images", imageIds=[{"imageTag": "v1"}])["imageDetails"]
    assert found["imageDigest"].startswith("sha256:")
    assert (tmp_path / "notes").read_text() == f"{docker.NOTE}\n"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["build", "--file", "Dockerfile.no", "--tag", "t", "."], "Dockerfile.no: no such file"),
        (["push", "other/images:v2"], "other/images:v2: the image was not built"),
        (["run", "x"], "run: a rehearsal has no container engine; it supports login, build, push, pull,"),
    ],
)
def test_docker_names_the_commands_that_it_does_not_support(
    account: Any, arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert docker.main(arguments) == 1
    assert expected in capsys.readouterr().err


def test_an_image_has_no_commands_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert docker.main(["image", "inspect", "x"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"Config": {}}]


def test_an_image_is_exported_without_files_and_that_is_noted(
    account: Any, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert [docker.main([command, "image"]) for command in ("pull", "create", "export", "rm")] == [0, 0, 0, 0]
    exported = capfdbinary.readouterr().out.partition(b"image\nimage\n")[2]
    with tarfile.open(fileobj=io.BytesIO(exported), mode="r|") as files:
        assert list(files) == []
    assert docker.EXPORT_NOTE in (tmp_path / "notes").read_text()


@pytest.mark.parametrize(("given", "code"), [("secret", 0), ("", 1)])
def test_a_login_requires_a_password(given: str, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(given))
    assert docker.main(["login", "--password-stdin"]) == code


def test_a_recorded_report_goes_where_the_scanner_would_write_it(
    account: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rehearsal").mkdir()
    for name in ("snyk", "safety"):
        (tmp_path / f"rehearsal/{name}.json").write_text(f'"{name}"')

    assert recorded.main(["snyk", "--version"]) == 0
    assert recorded.main(["snyk", "test", f"--json-file-output={tmp_path}/report"]) == 0
    assert recorded.main(["safety", "scan", "--output", "json"]) == 0
    assert (tmp_path / "report").read_text() == '"snyk"'
    assert capsys.readouterr().out == 'snyk 0 (not run; its report is a recorded one)\n"safety"\n'
    (tmp_path / "rehearsal/semgrep.json").write_text('{"version": "1.185.0"}')
    (tmp_path / "rehearsal/broken.json").write_text("{")
    for name in ("semgrep", "broken"):
        assert recorded.main([name, "--version"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "semgrep 1.185.0 (not run; its report is a recorded one)",
        "broken 0 (not run; its report is a recorded one)",
    ]
    assert recorded.main(["npm-audit", "config", "get", "registry"]) == 0
    assert capsys.readouterr().out.startswith(
        "http" if shutil.which("npm", path="/usr/local/bin:/usr/bin:/bin") else "\n"
    )
    monkeypatch.setattr(recorded, "SYSTEM_PATH", str(tmp_path))
    assert recorded.main(["npm-audit", "config", "get", "registry"]) == 0
    assert capsys.readouterr().out == "\n"
    assert recorded.main(["other"]) == 127
    assert [line.split(" is ")[0] for line in (tmp_path / "notes").read_text().splitlines()] == [
        "snyk",
        "safety",
        "other",
    ]
    assert "its recorded report rehearsal/other.json is missing" in (tmp_path / "notes").read_text()


def test_a_stack_that_cannot_be_deployed_is_named_with_its_cause(engine: Engine) -> None:
    stacks = [
        stack
        for stack in read_every_stack(PROJECT / "out")
        if (stack.links.environment, stack.layer) == ("staging", "keys")
    ]
    broken = dataclasses.replace(stacks[0], text=stacks[0].text.replace("AWS::KMS::Alias", "AWS::KMS::Nothing"))

    with pytest.raises(CicdError, match=r"staging cannot be deployed: keys: .*AWS::KMS::Nothing"):
        deploy_stacks(engine, [broken])
