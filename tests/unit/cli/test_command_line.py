"""The command line with wrong input: one clear line, the right exit code, and nothing half done."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from cicd_templates.cli import main, selection
from cicd_templates.cli.verbs import destroy
from cicd_templates.deploy.destruction import guards
from cicd_templates.deploy.reporting.report import PlainReporter
from cicd_templates.errors import DetachedError, NoTerminalError, RefusedError
from tests.conftest import PROJECT, ROOT, environment
from tests.fakes.scripted_cloudformation import client_error

# All on one worker, because they share what is rendered.
pytestmark = [pytest.mark.usefixtures("commands_render_once"), pytest.mark.xdist_group("commands")]
STACKS = len(list((PROJECT / "out").glob("*/*.yaml")))


def run(command: str) -> Result:
    return CliRunner().invoke(main, command.split())


@pytest.mark.no_cover
def test_render_writes_the_files_then_changes_nothing_then_passes_the_check(in_project: Path) -> None:
    assert "  wrote    out/staging/keys.yaml" in run("render").output
    # Beside the stacks an index, checksums, a review of each environment and their differences.
    assert run("render").output == f"rendered {STACKS} stacks into out/, {STACKS + 6} of {STACKS + 6} files unchanged\n"
    assert run("render --check").output == f"out/ is up to date: {STACKS} stacks\n"


@pytest.mark.no_cover
def test_render_of_one_environment_counts_its_stacks_alone(in_project: Path) -> None:
    stacks = len(list((PROJECT / "out/staging").glob("*.yaml")))

    for suffix, folder in (("", "out"), (" --suffix pr1", "build/pr1")):
        assert (
            run(f"render --env staging{suffix}")
            .output.splitlines()[-1]
            .startswith(f"rendered {stacks} stacks into {folder}/, ")
        )
    assert len(list((in_project / "build/pr1").glob("*/*.yaml"))) == stacks


@pytest.mark.no_cover
def test_a_first_render_says_that_every_file_is_written(in_project: Path) -> None:
    last = run("render --suffix pr2").output.splitlines()[-1]
    files = [path for path in (in_project / "build/pr2").rglob("*") if path.is_file()]

    assert last.endswith(f" into build/pr2/, all {len(files)} files written")


@pytest.mark.no_cover
def test_a_stale_file_fails_the_check_with_its_diff(in_project: Path) -> None:
    run("render")
    path = in_project / "out/staging/keys.yaml"
    path.write_text(path.read_text().replace("EnableKeyRotation: true", "EnableKeyRotation: false"))
    result = run("render --check")

    assert result.exit_code == 1
    assert "-      EnableKeyRotation: false" in result.output
    assert "+      EnableKeyRotation: true" in result.output
    assert "error: out/ is out of date; run `make render`" in result.output


@pytest.mark.parametrize(
    ("strays", "edited", "message"),
    [
        (
            ["staging/claims.yaml"],
            False,
            "error: out/staging/claims.yaml: `make render` does not write this; remove it:"
            " rm -- out/staging/claims.yaml",
        ),
        (
            ["a file.txt", "old/keys.yaml"],
            False,
            "error: out/ has files that `make render` does not write; remove them: rm -- 'out/a file.txt'"
            " out/old/keys.yaml",
        ),
        (
            ["notes.txt"],
            True,
            "error: out/ is out of date; run `make render` and review its diff; out/notes.txt: `make render` does not"
            " write this; remove it: rm -- out/notes.txt",
        ),
    ],
    ids=["one file", "two files", "an edited file too"],
)
def test_the_check_names_the_command_that_removes_strange_files(
    strays: list[str], edited: bool, message: str, in_project: Path
) -> None:
    run("render")
    for name in strays:
        (in_project / "out" / name).parent.mkdir(exist_ok=True)
        (in_project / "out" / name).write_text("mine")
    if edited:
        (in_project / "out/README.md").write_text("mine")
    result = run("render --check")

    assert (result.exit_code, result.output.splitlines()[-1]) == (1, message)


def test_rendering_as_json_replaces_the_yaml_and_keeps_strangers(in_project: Path) -> None:
    run("render")
    (in_project / "out/notes.txt").write_text("mine")
    result = run("render --format json")

    assert "  deleted  out/staging/keys.yaml" in result.output
    kept = "  kept     out/notes.txt, which this tool did not write; to remove it: rm -- out/notes.txt\n"
    assert kept in result.output
    assert json.loads((in_project / "out/staging/keys.json").read_text())["Resources"]["Key"]


@pytest.mark.no_cover
def test_a_copy_is_rendered_beside_and_not_into_the_committed_folder(in_project: Path) -> None:
    run("render --suffix pr4918")

    assert (in_project / "build/pr4918/staging-pr4918/keys.yaml").exists()
    assert not (in_project / "out").exists()

    run("render --suffix pr2")
    assert (in_project / "build/pr4918/staging-pr4918/keys.yaml").exists()
    assert (in_project / "build/pr2/staging-pr2/keys.yaml").exists()


@pytest.mark.parametrize(
    ("command", "exit_code", "expected"),
    [
        (
            "render --env qa",
            2,
            "error: no environment 'qa'; templates/environments.toml has tools, staging, production",
        ),
        ("render --format xml", 2, "'xml' is not one of 'yaml', 'json'"),
        ("render --suffix PR", 2, "suffix: 'PR' is not allowed; use at most 10 lower-case letters"),
        ("deploy --yes --local", 2, "error: which environment? Name one with --env: tools, staging, production"),
        ("deploy --env qa --yes --local", 2, "error: no environment 'qa'"),
        ("deploy --env staging --yes --local", 2, "out/staging: no rendered templates; run `make render` first"),
        ("lint", 2, "error: nothing to lint: no rendered templates; run `make render` first"),
        ("lint --suffix pr1", 2, "no rendered templates; run `make render SUFFIX=pr1` first"),
        (
            "deploy --env staging --yes --local --suffix pr1",
            2,
            "build/pr1/staging-pr1: no rendered templates; run `make render` with the same SUFFIX= first",
        ),
        ("nonsense", 2, "No such command 'nonsense'"),
        ("inspect x", 2, "No such command 'inspect'; did you mean 'gate inspect'?"),
        ("status --env staging", 2, "out/staging: no rendered templates"),
    ],
)
def test_wrong_input_gets_one_clear_line(in_project: Path, command: str, exit_code: int, expected: str) -> None:
    result = run(command)

    assert result.exit_code == exit_code
    assert expected in result.output
    assert "Traceback" not in result.output


def test_outside_a_project_the_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("render")

    assert result.exit_code == 2
    assert "templates/environments.toml: no such file" in result.output


def test_a_project_without_layers_says_so(in_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # How Python remembers that there is no such module.
    monkeypatch.setitem(sys.modules, "templates", None)
    result = run("render")

    assert result.exit_code == 2
    assert "error: there is no folder templates/ here" in result.output


def test_a_missing_module_of_a_layer_of_the_tool_is_one_line(in_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError("No module named 'numpy'", name="numpy")

    monkeypatch.setattr("importlib.import_module", missing)
    result = run("render")
    assert (result.exit_code, result.output) == (
        2,
        "error: templates/__init__.py: ModuleNotFoundError: No module named 'numpy'\n",
    )


@pytest.mark.no_cover
def test_the_working_folder_is_searched_for_layers_once(in_project: Path) -> None:
    run("render")
    run("render")

    assert sys.path.count(str(in_project)) == 1
    sys.path.remove(str(in_project))


def test_lint_shows_at_a_terminal_that_it_works_while_it_lints(
    in_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (in_project / "out/staging").mkdir(parents=True)
    (in_project / "out/staging/keys.yaml").write_text("Resources: {}\n")
    seen: list[str] = []

    @contextlib.contextmanager
    def working(line: str) -> Iterator[None]:
        seen.append(line)
        yield
        seen.append("done")

    def lint_templates(paths: list[Path], suffix: str | None) -> list[Any]:
        seen.append(paths[0].name)
        return []

    monkeypatch.setattr("cicd_templates.cli.terminal.working", working)
    monkeypatch.setattr("cicd_templates.lint.run.lint_templates", lint_templates)

    assert run("lint").exit_code == 0
    assert seen == ["cfn-lint and our rules check 1 template", "keys.yaml", "done"]
    assert run("lint").exit_code == 0
    assert len(seen) == 3


@pytest.mark.no_cover
def test_lint_says_what_it_found_and_where(in_project: Path) -> None:
    paths = [in_project / f"out/staging/{name}.yaml" for name in ("keys", "notifications")]
    paths[0].parent.mkdir(parents=True)
    for path in paths:
        path.write_text((PROJECT / path.relative_to(in_project)).read_text())
    nothing = "cfn-lint: no findings of any severity in 2 templates"
    assert f"{nothing}; 2 of them linted anew" in run("lint").output
    assert f"{nothing}; 0 of them linted anew" in run("lint").output
    path = paths[0]
    path.write_text(path.read_text().replace("kms:EnableKey\n", "kms:EnableKeyy\n"))
    result = run("lint")

    assert result.exit_code == 1
    assert "out/staging/keys.yaml:" in result.output
    assert "W3037" in result.output
    assert "error: cfn-lint: 1 finding in 2 templates" in result.output


def test_lint_writes_for_tools_and_for_pull_requests_too(in_project: Path) -> None:
    path = in_project / "out/staging/keys.yaml"
    path.parent.mkdir(parents=True)
    path.write_text((PROJECT / "out/staging/keys.yaml").read_text())
    (nothing,) = json.loads(run("lint --format sarif").stdout)["runs"]
    assert nothing["results"] == []
    path.write_text(path.read_text().replace("kms:EnableKey\n", "kms:*\n"))
    annotated, logged = run("lint --format github"), run("lint --format sarif")
    (log,) = json.loads(logged.stdout)["runs"]

    assert annotated.exit_code == logged.exit_code == 1
    assert "::error file=out/staging/keys.yaml,line=" in annotated.stdout
    assert "title=E9111 Allowed actions contain no wildcards::" in annotated.stdout
    assert [result["ruleId"] for result in log["results"]] == ["E9111"]


def test_documents_are_written_and_checked(in_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # It renders every step of the rollouts; tests/unit/reference/test_rollouts.py reads the page.
    monkeypatch.setattr("cicd_templates.reference.rollouts.rollouts_page", lambda layers: "steps")
    assert run("docs --check").exit_code == 1
    written = ["docs/configuration.md", "docs/rollouts.md", "docs/rules.md", "docs/compliance.md"]
    assert run("docs").output.splitlines() == [f"wrote {path}" for path in written]
    assert run("docs --check").output.splitlines() == [f"{path} is up to date" for path in written]
    (in_project / "docs/configuration.md").write_text("old")
    assert "out of date: docs/configuration.md; run `make fmt`" in run("docs --check").output
    rows = [{"name": "doctor", "state": "failed", "answer": "no"}]
    report = {"format": 1, "aws": "real", "regions": ["eu-central-1"], "ended": "2026-01-01", "checks": rows}
    (in_project / "docs/acceptance").mkdir()
    (in_project / "docs/acceptance/first.json").write_text(json.dumps(report))
    assert run("docs").output.startswith("docs/acceptance/first.json contradicts doctor: ")


def test_without_a_terminal_a_question_is_refused_when_it_comes() -> None:
    confirm = selection.confirmation(yes=False)
    with pytest.raises(NoTerminalError, match="there is no terminal for questions; add --yes to execute"):
        confirm("Really?")
    assert selection.confirmation(yes=True)("Really?")


@pytest.mark.parametrize(
    ("yes", "terminal", "refused"), [(False, False, True), (True, False, False), (False, True, False)]
)
def test_a_command_that_would_ask_late_is_refused_at_its_beginning(
    yes: bool, terminal: bool, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: terminal, raising=False)

    with pytest.raises(NoTerminalError) if refused else contextlib.nullcontext():
        selection.require_answers(yes)


def test_at_a_terminal_the_user_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.confirm", lambda question, default: question == "  Really?")

    assert selection.confirmation(yes=False)("Really?")
    assert not selection.confirmation(yes=False)("Other?")


@pytest.mark.parametrize(
    ("hand_over", "terminal", "agreed"),
    [(True, False, True), (True, True, True), (False, True, False), (False, False, False)],
)
def test_changes_of_other_environments_are_agreed_to_at_a_terminal_or_by_the_option_alone(
    hand_over: bool, terminal: bool, agreed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = []

    def confirm(question: str, default: bool) -> bool:
        questions.append(question)
        return False

    monkeypatch.setattr("sys.stdin.isatty", lambda: terminal, raising=False)
    monkeypatch.setattr("click.confirm", confirm)

    assert selection.other_changes_confirmation(hand_over)("Really?") == agreed
    assert len(questions) == (terminal and not hand_over)


def test_ctrl_c_at_a_question_counts_as_no(monkeypatch: pytest.MonkeyPatch) -> None:
    def abort(question: str, default: bool) -> bool:
        raise click.Abort

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.confirm", abort)

    assert not selection.confirmation(yes=False)("Really?")


def test_a_sigterm_of_the_system_detaches_the_command() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(DetachedError, match="stopped between two steps"), selection.detaching():
        os.kill(os.getpid(), signal.SIGTERM)

    assert signal.getsignal(signal.SIGTERM) == before


def test_an_error_of_aws_is_one_line_and_a_bug_keeps_its_traceback(
    in_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise client_error("AccessDenied", "not yours")

    monkeypatch.setattr(selection, "targets", refuse)
    result = run("status")
    assert (result.exit_code, result.output) == (
        1,
        "error: An error occurred (AccessDenied) when calling the DescribeStacks operation: not yours\n",
    )

    def bug(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(selection, "targets", bug)
    assert isinstance(run("status").exception, ZeroDivisionError)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (PermissionError(13, "Permission denied", ".state/x"), ".state/x: Permission denied"),
        (TimeoutError("timed out"), "timed out"),
    ],
    ids=["full disk", "no permission", "no number"],
)
def test_an_error_of_the_operating_system_is_one_line(
    error: OSError, line: str, in_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(selection, "targets", refuse)
    result = run("status")

    assert (result.exit_code, result.output) == (1, f"error: {line}\n")


def test_a_closed_output_pipe_is_no_error(in_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(selection, "targets", refuse)
    assert run("status").output == ""


def test_the_module_and_the_script_are_the_same_commands() -> None:
    environment = {**os.environ, "COVERAGE_PROCESS_START": ""}
    for command in (["-m", "cicd_templates", "render", "--check"], [str(ROOT / "generate.py"), "--check"]):
        answer = subprocess.run(
            [sys.executable, *command], cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
        )
        assert (answer.returncode, answer.stdout) == (0, f"out/ is up to date: {STACKS} stacks\n")


def test_wrong_calls_of_make_get_one_line(tmp_path: Path) -> None:
    answer = subprocess.run(
        ["make", "--no-print-directory", "PYTHON=python0", "VENV=" + str(tmp_path / "v"), "setup"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 2
    assert (
        "error: python0 was not found; install Python 3.11 or newer, or name another: make PYTHON=python3.12"
        in answer.stderr
    )


class ReleasingTools:
    """A tools environment with a deployed pipeline. It keeps the calls."""

    def __init__(self, *edits: tuple[str, Any]) -> None:
        self.environment = environment("tools", *edits)
        self.clients = None

    def value(self, layer: str, output: str, service: str | None = None) -> str:
        return f"{layer}-{output}"


@pytest.fixture
def releasing(in_project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a source to release and a pipeline that accepts it."""
    (in_project / "app").mkdir()
    (in_project / "app/Dockerfile").write_text("FROM scratch\n")
    monkeypatch.setattr("cicd_templates.cli.selection.tools", lambda suffix, local: ReleasingTools())
    monkeypatch.setattr(
        "cicd_templates.deploy.releases.release.upload_source", lambda clients, bucket, key, archive: f"{bucket} {key}"
    )
    monkeypatch.setattr(
        "cicd_templates.deploy.releases.release.wait_for_start", lambda clients, pipeline, version, polling: "e-1"
    )

    def follow(clients: object, pipeline: str, execution: str, polling: object, say: Any) -> None:
        say(f"{pipeline}/{execution}: Succeeded")

    monkeypatch.setattr("cicd_templates.deploy.releases.release.follow", follow)
    return in_project / "app"


def test_a_release_names_its_run_and_follows_it_on_request(releasing: Path) -> None:
    released = run(f"release --app {releasing}").output
    assert "  version  storage-SourceBucketName parcel-dispatcher/source.zip" in released
    assert "  run      e-1 of pipeline-PipelineName" in released
    assert "Succeeded" not in released

    followed = run(f"release --app {releasing} --wait").output
    assert "  pipeline-PipelineName/e-1: Succeeded" in followed
    assert followed.endswith("parcel-dispatcher: the release has passed every stage of its pipeline\n")


def test_a_release_to_the_local_aws_shows_the_request_that_would_start_the_run(
    releasing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = "storage-SourceBucketName parcel-dispatcher/source.zip"
    starts = [
        {"execution": "another", "request": {"revision": "of an earlier release"}},
        {"execution": "e-7", "request": {"revision": version}},
    ]
    engine = SimpleNamespace(record=SimpleNamespace(starts=lambda account: starts))
    monkeypatch.setattr("cicd_templates.local.engine_state_file.required", lambda: engine)
    released = run(f"release --app {releasing} --local").output

    assert "  run      e-7: recorded, but the local AWS has no CodePipeline to start it\n  request\n" in released
    assert f'    "revision": "{version}"\n' in released
    assert "earlier" not in released


def test_before_there_is_a_pipeline_the_command_that_deploys_it_is_named(
    releasing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ReleasingTools, "value", lambda *arguments: None)
    result = run(f"release --app {releasing} --local")

    assert result.exit_code == 1
    assert "parcel-dispatcher has no pipeline yet; deploy it first: make deploy ENV=tools LOCAL=1" in result.output


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("release", "which source? Name a git work tree, a folder or a .zip file with --app"),
        ("release --app app --local --wait", "leave out --wait: the local AWS has no pipeline run to follow"),
        ("release --app nowhere", "nowhere: no such folder"),
    ],
)
def test_what_cannot_be_released_is_refused_before_anything_is_asked(
    releasing: Path, command: str, expected: str
) -> None:
    result = run(command)

    assert (result.exit_code, "Traceback" in result.output) == (2, False)
    assert expected in result.output


def test_a_release_that_the_system_ends_detaches(releasing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def follow(*arguments: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("cicd_templates.deploy.releases.release.follow", follow)
    result = run(f"release --app {releasing} --wait")

    assert result.exit_code == 75
    advice = "follow the run in the console; do not release again, because this would start another run"
    assert f"is released; {advice}" in result.stderr


def test_what_a_work_tree_has_beside_its_commits_is_named_at_a_release(releasing: Path) -> None:
    for arguments in ("init -q", "add -A", "-c user.name=a -c user.email=a@x commit -qm first"):
        subprocess.run(["git", "-C", str(releasing), *arguments.split()], check=True)
    assert "left out" not in run(f"release --app {releasing}").output
    (releasing / "a.py").write_text("x")
    assert "  left out 1 file that git does not track: a.py\n" in run(f"release --app {releasing}").output
    for name in "bcd":
        (releasing / f"{name}.py").write_text("x")
    released = run(f"release --app {releasing}").output
    assert "  left out 4 files that git does not track: a.py, b.py, c.py, ...\n" in released


def test_a_folder_without_a_dockerfile_is_not_released(releasing: Path) -> None:
    (releasing.parent / "library").mkdir()
    (releasing.parent / "library/module.py").write_text("x = 1\n")
    result = run("release --app library")

    assert result.exit_code == 2
    assert (
        "error: library: has no Dockerfile, which is needed to build the image; set APP= to the application"
        in result.output
    )


@pytest.mark.parametrize(
    ("command", "edits", "expected"),
    [
        ("secret", [], "which secret? Name one with --name: safety-api-key, snyk-token"),
        ("secret --name x", [], "has no secret 'x' in tools; its secrets are safety-api-key, snyk-token"),
        (
            "secret",
            [("services/parcel-dispatcher/checks", {"bandit": {"preset": "bandit"}})],
            "parcel-dispatcher has no secret in tools, so there is nothing to set",
        ),
        (
            "secret --name session-key",
            [("services/parcel-dispatcher/secrets", {"SESSION_KEY": "session-key"})],
            "parcel-dispatcher has no secret 'session-key' in tools, but it has one in staging, production;"
            " choose the environment with --env",
        ),
        (
            "secret",
            [
                ("services/parcel-dispatcher/checks", {"bandit": {"preset": "bandit"}}),
                ("environments/staging/services/parcel-dispatcher/secrets", {"KEY": "api-key"}),
            ],
            "parcel-dispatcher has no secret in tools, but it has one in staging; choose the environment with --env",
        ),
        (
            "secret --name x",
            [("services/parcel-dispatcher/checks", {"bandit": {"preset": "bandit"}})],
            "parcel-dispatcher has no secret 'x' in tools, so there is nothing to set",
        ),
    ],
)
def test_a_secret_that_nobody_uses_is_refused(
    in_project: Path, monkeypatch: pytest.MonkeyPatch, command: str, edits: list[tuple[str, Any]], expected: str
) -> None:
    monkeypatch.setattr(selection, "environment", lambda name, suffix: environment("tools", *edits))
    result = run(command)

    assert result.exit_code == 2
    assert expected in result.output


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        (
            [("services/ledger", {"path_pattern": "/ledger/*", "checks": {"b": {"preset": "bandit"}}})],
            "which service? Name one with --service: parcel-dispatcher, ledger",
        ),
        (
            [
                ("services/parcel-dispatcher/source", "github"),
                (
                    "services/parcel-dispatcher/github",
                    {
                        "repository": "me/pay",
                        "connection_arn": "arn:aws:codeconnections:eu-central-1:111111111111:connection/1",
                    },
                ),
            ],
            "parcel-dispatcher is released from GitHub; push to main instead",
        ),
    ],
    ids=["two services", "GitHub"],
)
def test_a_release_that_is_not_clear_is_refused(
    releasing: Path, edits: list[tuple[str, Any]], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cicd_templates.cli.selection.tools", lambda suffix, local: ReleasingTools(*edits))
    result = run(f"release --app {releasing}")

    assert result.exit_code == 2
    assert expected in result.output


def test_the_name_of_what_is_destroyed_is_typed_at_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert destroy._typing() is None

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", lambda question, **options: question)
    ask = destroy._typing()
    assert ask is not None
    assert ask("production") == "  Type production to destroy it"


def test_ctrl_c_at_the_name_of_what_is_destroyed_is_not_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(question: str, **options: object) -> str:
        raise click.Abort

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", interrupted)
    with pytest.raises(RefusedError, match="'' was typed instead of production, so nothing was deleted"):
        guards.require_confirmed(["production"], None, destroy._typing())


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["claims.yaml"],
            "out/staging/claims.yaml was not written by `make render`; to remove: `rm -- out/staging/claims.yaml`",
        ),
        (
            ["a.json", "b.yaml"],
            "out/staging/a.json, out/staging/b.yaml were not written by `make render`; to remove:"
            " `rm -- out/staging/a.json out/staging/b.yaml`",
        ),
    ],
)
@pytest.mark.parametrize("protected", [False, True])
def test_templates_that_no_render_wrote_are_reported_and_refused_where_they_are_protected(
    protected: bool, names: list[str], message: str, in_project: Path
) -> None:
    sink = io.StringIO()
    (in_project / "out/staging").mkdir(parents=True)
    (in_project / "out/SHA256SUMS").write_text("0  staging/keys.yaml\n")
    for name in [*names, "REVIEW.md"]:
        (in_project / "out/staging" / name).write_text("mine")
    target: Any = SimpleNamespace(environment="staging", protected=protected)

    selection.refuse_edited([target], PlainReporter(sink), suffix=None, rehearsed=True)
    assert sink.getvalue().strip() == f"staging: {message}"
    if protected:
        with pytest.raises(RefusedError, match=f"staging is protected: {re.escape(message)}"):
            selection.refuse_edited([target], PlainReporter(sink), suffix=None)


@pytest.mark.parametrize("protected", [False, True])
def test_templates_that_are_not_as_rendered_are_reported_and_refused_where_they_are_protected(
    protected: bool, in_project: Path
) -> None:
    sink = io.StringIO()
    (in_project / "out/staging").mkdir(parents=True)
    (in_project / "out/staging/keys.yaml").write_text("by hand")
    (in_project / "out/SHA256SUMS").write_text("0  staging/keys.yaml\n")
    target: Any = SimpleNamespace(environment="staging", protected=protected)
    reporter = PlainReporter(sink)

    selection.refuse_edited([target], reporter, suffix=None, rehearsed=True)
    assert "staging: out/staging/keys.yaml was edited by hand" in sink.getvalue()
    if protected:
        message = (
            "staging is protected: out/staging/keys.yaml was edited by hand; run `make render` and review its diff"
        )
        with pytest.raises(RefusedError, match=message):
            selection.refuse_edited([target], reporter, suffix=None)
    else:
        selection.refuse_edited([target], reporter, suffix=None)
