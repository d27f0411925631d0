"""The environment of a build: with tokens it has the network, without tokens the prepared tools."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import threading
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import HTTPError
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
import yaml

from cicd_templates.builds.check_commands import install_pins, install_requirements
from cicd_templates.errors import CicdError, ConfigurationError
from cicd_templates.rehearsal import artifacts
from cicd_templates.rehearsal.build_environment import (
    application_addresses,
    build_environment,
    mask_secrets,
    runnable_phases,
)
from cicd_templates.rehearsal.build_projects import Project, Setting, read_project
from cicd_templates.rehearsal.build_shell import run_phases
from cicd_templates.rehearsal.build_tools import BuildTools, download_commands, only_checks_hashes, with_private_tmp
from cicd_templates.rehearsal.buildspec import Files, Phase, read_buildspec
from cicd_templates.rehearsal.pipeline_definition import read_pipeline
from cicd_templates.rehearsal.pipeline_run import ActionFailedError, PipelineRun
from cicd_templates.rehearsal.result import ActionProgress
from cicd_templates.rehearsal.sessions import Credentials, Session
from tests.unit.rehearsal.pipelines import action, properties, stage

TOOLS = BuildTools(Path(sys.prefix))
BUILD = {"id": "p:1", "arn": "arn:build"}
SPECIFICATION = """
version: 0.2
env:
  variables: {A: "1", B: from the specification}
  secrets-manager: {NAMED: "token:key", WHOLE: token, ARN: "arn:aws:secretsmanager:eu-central-1:1:secret:t-1:key"}
  parameter-store: {PARAMETER: /p}
phases:
  install: {commands: [mkdir /tmp/x, pip install y]}
  build: {commands: [pip install z]}
"""


class Kept:
    """A client with secrets and parameters."""

    def get_secret_value(self, **request: str) -> dict[str, str]:
        return {"SecretString": json.dumps({"key": f"value of {request['SecretId']}"})}

    def get_parameter(self, **request: Any) -> dict[str, Any]:
        assert request["WithDecryption"]
        return {"Parameter": {"Value": f"value of {request['Name']}"}}


def project(*settings: Setting) -> Project:
    return Project("p", "arn:p", "arn:role", SPECIFICATION, settings, 5, "", "", "")


def run(**tokens: str) -> Any:
    place = SimpleNamespace(
        tools=TOOLS,
        tokens=tokens,
        network={"PIP_INDEX_URL": "https://index.example.com"},
        region="eu-central-1",
        endpoint="http://127.0.0.1:1",
        secret="secret",
    )
    return SimpleNamespace(setup=place, pipeline=SimpleNamespace(name="pipe"), source_version="v1")


def environment(folder: Path, of: Project, **tokens: str) -> dict[str, str]:
    session = Session(Credentials("access", "secret"), lambda service, keys: Kept())
    settings = [Setting("B", "from the action")]
    return build_environment(run(**tokens), of, session, read_buildspec(SPECIFICATION), settings, BUILD, folder)


def test_variables_come_from_everywhere_the_action_last(tmp_path: Path) -> None:
    found = environment(tmp_path, project(Setting("B", "from the project"), Setting("C", "c")))

    assert (found["A"], found["B"], found["C"]) == ("1", "from the action", "c")
    assert found["NAMED"] == "value of token"
    assert found["WHOLE"] == '{"key": "value of token"}'
    assert found["ARN"] == "value of arn:aws:secretsmanager:eu-central-1:1:secret:t-1"
    assert found["PARAMETER"] == "value of /p"
    assert (found["AWS_ACCESS_KEY_ID"], found["AWS_SESSION_TOKEN"]) == ("access", "")
    assert (found["CODEBUILD_BUILD_ID"], found["PIP_NO_INDEX"]) == ("p:1", "1")


def test_what_is_kept_is_masked_in_the_log() -> None:
    of = project(Setting("SECRET", "s", "SECRETS_MANAGER"), Setting("EMPTY", "e", "PARAMETER_STORE"), Setting("A", "a"))
    found = {"SECRET": "hidden", "EMPTY": "", "A": "shown"}

    assert mask_secrets("hidden and shown", found, of, read_buildspec("version: 0.2")) == "*** and shown"


SECRET = Setting("TOKEN", "token", "SECRETS_MANAGER")


@pytest.mark.parametrize(("tokens", "asked"), [({}, False), ({"TOKEN": "t"}, True)], ids=["without", "with a token"])
def test_a_token_leads_to_the_service(tmp_path: Path, tokens: dict[str, str], asked: bool) -> None:
    of, step = project(SECRET), ActionProgress("S/A", "CodeBuild")
    found = environment(tmp_path, of, **tokens)
    phases = runnable_phases(step, read_buildspec(SPECIFICATION), of, run(**tokens), tmp_path)

    assert ("PIP_INDEX_URL" in found, "PIP_NO_INDEX" in found) == (asked, not asked)
    assert (tmp_path / "tmp/tool/bin/snyk").exists() is not asked
    assert (tmp_path / "tmp/tool").exists() is not asked
    assert ("pip install y" in phases[0].commands) is asked
    assert phases[1] == Phase("build", ("pip install z",), ())
    assert step.notes == []


@pytest.mark.parametrize("installed", [True, False], ids=["if it is installed", "if it is not"])
def test_a_program_that_needs_no_token_runs_itself_or_outputs_what_was_recorded(
    tmp_path: Path, installed: bool
) -> None:
    prefix = tmp_path / "prepared"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "lib").mkdir()
    (prefix / "pyvenv.cfg").touch()
    if installed:
        (prefix / "bin/pip-audit").write_text("the real one")
    place = run()
    place.setup.tools = BuildTools(prefix)
    session = Session(Credentials("access", "secret"), lambda service, keys: Kept())
    build_environment(place, project(), session, read_buildspec("version: 0.2"), [], BUILD, tmp_path)

    text = (tmp_path / "tmp/tool/bin/pip-audit").read_text()
    assert text == "the real one" if installed else "programs.recorded import main" in text


def test_what_is_not_fetched_is_compared_with_what_is_here(tmp_path: Path) -> None:
    step = ActionProgress("S/A", "CodeBuild")
    pinned = (
        "version: 0.2\nphases: {install: {commands: ['pip install x\n\n pytest==0 --hash=1\n\n no-such==1 --hash=1']}}"
    )
    phases = runnable_phases(step, read_buildspec(pinned), project(), run(), tmp_path)

    assert phases == [Phase("install", (), ())]
    (note,) = step.notes
    assert "0 of 2 packages have the pinned version; no-such missing instead of 1, pytest " in note


def pinned(*names: str) -> str:
    """Return a command that installs packages."""
    return "\n".join([*(f"{name}==0.1 --hash=sha256:1" for name in names), "pip install --requirement x"])


@pytest.mark.parametrize(
    ("commands", "programs", "expected"),
    [
        pytest.param([pinned("semgrep", "attrs", "ruamel.yaml")], [], [], id="only a replaced program"),
        pytest.param(
            [pinned("Pip_Audit", "certifi"), pinned("no-such")],
            [],
            ["0 of 1 packages have the pinned version; no-such missing instead of 0.1"],
            id="a replaced program and another one",
        ),
        pytest.param(
            [pinned("semgrep", "no-such")],
            ["semgrep"],
            ["0 of 2 packages have the pinned version; no-such missing instead of 0.1, semgrep missing instead of 0.1"],
            id="an installed program",
        ),
    ],
)
def test_the_packages_of_a_replaced_program_are_not_compared(
    commands: list[str], programs: list[str], expected: list[str], tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    for program in programs:
        (tmp_path / "bin" / program).touch()
    place, step = run(), ActionProgress("S/A", "CodeBuild")
    place.setup.tools = BuildTools(tmp_path)
    specification = read_buildspec(yaml.safe_dump({"version": 0.2, "phases": {"install": {"commands": commands}}}))
    phases = runnable_phases(step, specification, project(), place, tmp_path)

    assert phases == [Phase("install", (), ())]
    begin = "the tools come from a prepared virtual environment: "
    assert step.notes == [f"{begin}{note}" for note in expected]


@pytest.mark.parametrize(
    ("phase", "command", "expected"),
    [
        ("install", "pip install -r x", True),
        ("install", "python3 - <<< 'https://x'", True),
        ("install", "python3 -I - <<'FETCH'\nurl = 'https://x'\nFETCH\n", True),
        ("install", "cd /\ncat > /tmp/a.py <<'SCRIPT'\n# https://x\nSCRIPT\n", False),
        ("install", "cat > /tmp/a.py <<'SCRIPT'\n# a\nSCRIPT\ncurl https://x\n", True),
        ("pre_build", "npm ci", True),
        ("build", "pip install -r x", False),
        ("install", "mkdir x", False),
    ],
)
def test_what_would_fetch_is_known(phase: str, command: str, expected: bool) -> None:
    assert bool(list(download_commands(phase, [command]))) is expected


@pytest.mark.parametrize("token", [{}, {"TOKEN": "t"}], ids=["without a token", "with a token"])
def test_packages_without_a_hash_fail_the_build_in_a_rehearsal_too(tmp_path: Path, token: dict[str, str]) -> None:
    of, source = project(SECRET) if token else project(), tmp_path / "src"
    source.mkdir()
    (source / "requirements.txt").write_text("requests==2.19.0\n")
    text = json.dumps(
        {
            "version": 0.2,
            "phases": {"install": {"commands": [install_pins("pytest"), install_requirements(), "apt-get install x"]}},
        }
    )
    found = environment(tmp_path, of)
    phases = runnable_phases(ActionProgress("S/A", "CodeBuild"), read_buildspec(text), of, run(), tmp_path)
    outcome = run_phases(  # noqa: S604 - the shell of the build
        phases, (), shell="bash", source=source, folder=tmp_path, environment=found, limit_seconds=60
    )

    assert outcome.failed == "command 2 of phase install failed with exit code 1"
    assert "they are missing from these requirements:\n    requests==2.19.0\n" in outcome.log
    assert "run: uv pip compile --generate-hashes requirements.in -o requirements.txt" in outcome.log


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("/tmp/tool/bin/pip install --require-hashes -r x", True),
        ("pip3 install --require-hashes -r x", True),
        ("python3 -m pip install --require-hashes -r x", False),
        ("pip install poetry && poetry install", False),
        ("pip install --require-hashes -r x && curl https://x", False),
        ("cat > /tmp/a <<'PINS'\n# https://x\nPINS\npip install --require-hashes -r /tmp/a", True),
    ],
)
def test_a_command_that_only_installs_by_hash_is_known(command: str, expected: bool) -> None:
    assert only_checks_hashes(command) is expected


def test_the_shared_folder_is_the_builds_own() -> None:
    text = 'cat /tmp/a "/tmp" /tmp\'s /tmpfile'
    assert with_private_tmp(text, Path("/x")) == 'cat /x/a "/x" /x\'s /tmpfile'


def test_an_artifact_has_the_files_that_match(tmp_path: Path) -> None:
    (tmp_path / "out/deep").mkdir(parents=True)
    for name in ("out/a", "out/deep/.b", "c"):
        (tmp_path / name).write_text(name)
    (tmp_path / "out/run").write_text("#!/bin/sh\n")
    (tmp_path / "out/run").chmod(0o755)
    data = artifacts.pack_files(tmp_path, Files("out", ("**/*", "a")))

    class S3:
        def get_object(self, **request: str) -> dict[str, Any]:
            return {"Body": io.BytesIO(data if request["Key"] == "k" else b"no zip")}

    with artifacts.read_artifact(S3(), artifacts.Artifact("A", "b", "k")) as archive:
        assert sorted(archive.namelist()) == ["a", "deep/.b", "run"]
        artifacts.unpack(archive, tmp_path / "there")
    assert (tmp_path / "there/run").stat().st_mode & 0o111
    with pytest.raises(CicdError, match=r"no file matches \*\.xml in out, so there is no artifact"):
        artifacts.pack_files(tmp_path, Files("out", ("*.xml",)))
    with pytest.raises(CicdError, match="A is not a zip"):
        artifacts.read_artifact(S3(), artifacts.Artifact("A", "b", "other"))


def test_a_store_without_a_customers_key_encrypts_by_itself() -> None:
    put: list[dict[str, Any]] = []
    s3 = SimpleNamespace(put_object=lambda **request: put.append(request))
    pipeline: Any = SimpleNamespace(bucket="b", key="", name="pipe")

    found = artifacts.put_artifact(s3, pipeline, "Artifact", b"x")
    assert put == [{"Bucket": "b", "Key": found.object_key, "Body": b"x"}]
    assert found.object_key.startswith("pipe/Artifact/")


def test_a_project_has_defaults() -> None:
    properties = {"Name": "p", "ServiceRole": "r", "Source": {"BuildSpec": "b"}, "Environment": {}}
    found = read_project({**properties, "Cache": {"Type": "LOCAL"}}, "1", "eu-central-1")

    assert (found.timeout_minutes, found.cache, found.log_group, found.settings) == (60, "", "", ())
    assert found.needs_a_service == []
    assert issubclass(ActionFailedError, CicdError)
    assert ConfigurationError.exit_code == 2


def addresses(output: str, process: str, asked: str = "#{Testing.Address}") -> dict[str, str]:
    """Return the addresses of a smoke test. The stack that `Testing` deployed has the output `Address`."""
    variables = json.dumps(
        [
            {"name": "TARGET", "value": asked},
            {"name": "SAME_TARGET", "value": asked},
            {"name": "LEVEL", "value": "info"},
        ]
    )
    pipeline = read_pipeline(
        properties(
            stage("T", action("Execute", "CloudFormation", Namespace="Testing")),
            stage("S", action("Smoke", Configuration={"EnvironmentVariables": variables})),
        )
    )
    served: list[str] = []

    def serve(run: PipelineRun, step: ActionProgress, deploying: Any) -> contextlib.AbstractContextManager[str]:
        served.append(deploying.path)
        return contextlib.nullcontext(process)

    setup: Any = SimpleNamespace(serve=serve)
    session = Session(Credentials("access", "secret"), lambda service, keys: None)
    other = {"Version": "https://repository.example.com/commit"}
    run = PipelineRun(
        pipeline, "e-1", setup, session, {}, "v1", variables={"Testing": {"Address": output}, "Source": other}
    )
    with contextlib.ExitStack() as until:
        found = application_addresses(run, pipeline.actions[1], ActionProgress("S/Smoke", "CodeBuild"), until)
    # One process answers at both addresses.
    assert served == ["T/Execute"] * bool(found)
    assert found.get("SAME_TARGET") == found.get("TARGET")
    return found


@pytest.mark.parametrize(
    ("output", "asked", "expected"),
    [
        ("https://parcels.example.com", "#{Testing.Address}", "http://127.0.0.1:9"),
        ("http://lb-1.eu-west-1.elb.amazonaws.com/track", "#{Testing.Address}", "http://127.0.0.1:9/track"),
        ("https://parcels.example.com:8443/a/b-c", "#{Testing.Address}", "http://127.0.0.1:9/a/b-c"),
        (
            "https://parcels.example.com/track",
            "#{Testing.Address}/health?all=1",
            "http://127.0.0.1:9/track/health?all=1",
        ),
        ("arn:aws:sqs:eu-west-1:111111111111:parcels", "#{Testing.Address}", None),
        ("https://parcels.example.com/track", "#{Source.Version}", None),
    ],
)
def test_a_smoke_test_gets_the_path_of_the_deployed_address(output: str, asked: str, expected: str | None) -> None:
    assert addresses(output, "http://127.0.0.1:9", asked).get("TARGET") == expected


class Silent(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Print nothing."""


@pytest.mark.parametrize(("served", "status"), [("/track/health", 200), ("/health", 404)], ids=["folder", "root"])
def test_an_application_answers_only_where_the_load_balancer_would_reach_it(served: str, status: int) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK" if environ["PATH_INFO"] == served else "404 Not Found", [])
        return [b""]

    with make_server("127.0.0.1", 0, application, handler_class=Silent) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        url = addresses("https://parcels.example.com/track", f"http://127.0.0.1:{server.server_port}")["TARGET"]
        try:
            answered = urllib.request.urlopen(f"{url}/health").status  # noqa: S310 - on the loopback address
        except HTTPError as error:
            answered = error.code
        thread.join()
    assert answered == status
