"""Templates and the tool at a git revision, and the verbs that compare with them."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from cicd_templates.cli import main
from cicd_templates.errors import CicdError, ConfigurationError
from cicd_templates.review import revision, upgrade
from cicd_templates.template.stack_template import parse_template
from tests.conftest import PROJECT, ROOT
from tests.unit.review.conftest import stack_of


def git(*arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false", *arguments],
        check=True,
        capture_output=True,
    )


@pytest.fixture
def repository(in_project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository that contains the rendered keys of staging since its second commit."""
    git("init", "-q", ".")
    (in_project / ".gitignore").write_text(".venv-local\n")
    git("add", ".gitignore")
    git("commit", "-qm", "without out/")
    (in_project / "out/staging").mkdir(parents=True)
    (in_project / "out/README.md").write_text("an index\n")
    (in_project / "out/staging/REVIEW.md").write_text("a digest\n")
    (in_project / "out/staging/keys.yaml").write_text((PROJECT / "out/staging/keys.yaml").read_text())
    git("add", "out")
    git("commit", "-qm", "with out/")
    return in_project


def typed(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def test_only_templates_are_read_of_a_revision(repository: Path) -> None:
    (found,) = revision.templates_at("HEAD", "out")

    assert (found.environment, found.label) == ("staging", "keys")
    assert revision.templates_at("HEAD~1", "out") == []
    assert [each.label for each in revision.templates_in(Path("out"))] == ["keys"]


@pytest.mark.parametrize("where", [".gitattributes", "out/.gitattributes", ".git/info/attributes"])
def test_no_attribute_hides_or_changes_a_template_of_a_revision(repository: Path, where: str) -> None:
    path = repository / "out/staging/keys.yaml"
    path.write_text(f"# $Format:%H$ $Id$\n{path.read_text()}")
    (repository / where).write_text("* export-ignore export-subst ident text eol=crlf\nkeys.yaml filter=none\n")
    git("add", "-A")
    git("commit", "-qm", "with attributes")

    (found,) = revision.templates_at("HEAD", "out")
    (here,) = revision.templates_in(Path("out"))
    assert found == replace(here, path=Path("staging/keys.yaml"))
    revision.unpack_revision("HEAD", repository / "unpacked")
    assert (repository / "unpacked/out/staging/keys.yaml").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("link", ["out/staging/more.yaml", "out/production"])
def test_a_link_among_the_templates_of_a_revision_is_refused(repository: Path, link: str) -> None:
    (repository / link).symlink_to("staging")
    git("add", "out")
    git("commit", "-qm", "a link")

    with pytest.raises(ConfigurationError, match=rf"{link} of HEAD: is a link or a submodule"):
        revision.templates_at("HEAD", "out")


def test_a_damaged_file_of_a_revision_is_named(repository: Path) -> None:
    name = subprocess.check_output(["git", "rev-parse", "HEAD:out/staging/keys.yaml"], text=True).strip()
    (repository / ".git/objects" / name[:2] / name[2:]).unlink()

    with pytest.raises(ConfigurationError, match=r"out/staging/keys\.yaml of HEAD: the git repository has no intact"):
        revision.templates_at("HEAD", "out")


def test_a_clone_starts_no_program_to_fetch_a_missing_file(repository: Path) -> None:
    program = repository / "program"
    program.write_text(f"#!/bin/sh\ntouch {repository}/started\n")
    program.chmod(0o755)
    for name, value in {"url": str(repository), "promisor": "true", "uploadpack": str(program)}.items():
        git("config", f"remote.origin.{name}", value)
    git("config", "extensions.partialClone", "origin")
    git("config", "core.fsmonitor", str(program))
    name = subprocess.check_output(["git", "rev-parse", "HEAD:out/staging/keys.yaml"], text=True).strip()
    (repository / ".git/objects" / name[:2] / name[2:]).unlink()

    with pytest.raises(ConfigurationError, match=r"out/staging/keys\.yaml of HEAD: the git repository has no intact"):
        revision.templates_at("HEAD", "out")
    assert not (repository / "started").exists()


def test_a_hook_of_another_repository_does_not_change_which_one_is_read(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("init", "-q", str(tmp_path / "other"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other/.git"))

    assert [each.label for each in revision.templates_at("HEAD", "out")] == ["keys"]


def test_a_replaced_commit_is_not_read(repository: Path) -> None:
    git("replace", "HEAD", "HEAD~1")

    assert [each.label for each in revision.templates_at("HEAD", "out")] == ["keys"]


def test_a_name_that_leads_out_of_the_revision_is_refused(repository: Path) -> None:
    def made(kind: str, mode: str, child: str, name: str) -> str:
        listed = f"{mode} {kind} {child}\t{name}\n"
        return subprocess.check_output(["git", "mktree"], input=listed, text=True).strip()

    blob = subprocess.check_output(["git", "rev-parse", "HEAD:out/README.md"], text=True).strip()
    outside = made("tree", "040000", made("blob", "100644", blob, "stolen"), "..")
    git(
        "update-ref",
        "refs/heads/outside",
        subprocess.check_output(
            ["git", "-c", "user.name=A", "-c", "user.email=a@b.c", "commit-tree", "-m", "outside", outside], text=True
        ).strip(),
    )

    with pytest.raises(ConfigurationError, match=r"'\.\./stolen' of outside is outside the repository"):
        revision.unpack_revision("outside", repository / "unpacked")
    assert not (repository / "stolen").exists()


def test_review_says_what_changed_since_a_revision(repository: Path) -> None:
    assert (
        "No changes: the templates of all stacks (1) are the same as before."
        in typed("review", "--base", "HEAD").output
    )
    path = repository / "out/staging/keys.yaml"
    path.write_text(path.read_text().replace("PendingWindowInDays: 7", "PendingWindowInDays: 9"))
    result = typed("review", "--base", "HEAD")

    assert result.exit_code == 0
    assert result.output.startswith("# What changes in out/ since HEAD\n")
    assert "- **staging** `keys.Key`: PendingWindowInDays: `7` to `9`\n" in result.output
    assert "**staging** `keys`: the stack, with 3 resources" in typed("review", "--base", "HEAD~1").output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("review",), "compare with which revision? Name it with --base, such as main or HEAD~1"),
        (("review", "--base", "nope"), "'nope' is not a revision of this repository; name a commit, branch or tag"),
        (("review", "--base", "--all"), "'--all' is not a revision of this repository"),
        (("upgrade-check",), "which revision of the tool should render? Name it with --ref, such as a tag"),
    ],
)
def test_a_wrong_call_says_what_would_be_right(repository: Path, words: tuple[str, ...], message: str) -> None:
    result = typed(*words)

    assert result.exit_code == 2
    assert message in result.output


def test_a_revision_with_nothing_rendered_is_reported(repository: Path) -> None:
    (repository / "out/staging/keys.yaml").unlink()

    assert "out: no rendered templates; run `make render` first" in typed("review", "--base", "HEAD").output


def test_a_file_that_is_no_template_of_ours_is_named() -> None:
    for text in ("- a", "Resources: {}"):
        with pytest.raises(ConfigurationError, match=r"staging/keys\.yaml: .*`make render`"):
            parse_template(Path("staging/keys.yaml"), text)


def test_without_git_the_reason_is_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ConfigurationError, match=r"git did not answer: \[Errno 2\] No such file or directory: 'git'"):
        revision.commit_of("HEAD")


def test_where_git_refuses_to_answer_its_reason_is_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    with pytest.raises(ConfigurationError) as raised:
        revision.commit_of("main")

    assert str(raised.value).startswith("git rev-parse: fatal: not a git repository")
    assert "\n" not in str(raised.value)


def test_a_revision_that_git_cannot_list_is_reported(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revision, "commit_of", lambda name: "0" * 40)

    with pytest.raises(CicdError, match="git ls-tree: "):
        revision.unpack_revision("HEAD", repository)


def whole_project(folder: Path) -> None:
    """Return a repository of one commit with the whole tool, as a user has it."""
    names = ("src", "templates", "generate.py")
    subprocess.run(["cp", "-r", *(str(ROOT / name) for name in names), str(folder)], check=True)
    (folder / ".gitignore").write_text("__pycache__\n*.egg-info\nout\n")
    git("init", "-q", ".")
    git("add", ".")
    git("commit", "-qm", "the tool")


def test_upgrade_check_renders_this_configuration_with_another_revision_of_the_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    whole_project(tmp_path)
    keys = tmp_path / "src/cicd_templates/blocks/keys.py"
    (tmp_path / "out/staging").mkdir(parents=True)
    (tmp_path / "out/staging/keys.yaml").write_text((PROJECT / "out/staging/keys.yaml").read_text())
    keys.write_text(keys.read_text().replace("Encrypts everything of", "Encrypts all of"))
    git("commit", "-qam", "a newer tool")
    (tmp_path / "templates/extra").mkdir()
    (tmp_path / "templates/extra/own.py").write_text(
        '"""Layer `own`: mine."""\n'
        "from troposphere import sns\n"
        "from cicd_templates.layer.definition import Layer\n"
        "from cicd_templates.layer.template import LayerTemplate\n"
        "def build(env):\n"
        "    layer = LayerTemplate(env)\n"
        '    layer.add(sns.Topic("Mine"))\n'
        "    return layer\n"
        'LAYER = Layer("own", build)\n'
    )
    result = typed("upgrade-check", "--ref", "HEAD", "--yes")

    assert result.exit_code == 0, result.output
    assert result.output.startswith("# Changes that revision HEAD of this tool would make in out/\n")
    assert (
        "**staging** `keys.Key`: Description: `Encrypts everything of shipping staging` to `Encrypts all of"
        in result.output
    )
    assert "`own`: the stack, with 1 resource" in result.output

    shutil.rmtree(tmp_path / "templates/extra")
    toml = tmp_path / "templates/environments.toml"
    toml.write_text(toml.read_text().replace("[pipeline]\n", '[pipeline]\nspeed = "fast"\n'))
    refused = typed("upgrade-check", "--ref", "HEAD", "--yes")
    assert refused.exit_code == 1
    assert "cannot render this configuration: templates/environments.toml: 1 problem" in refused.output


LAUGHS = "a: &a [x, x]\nb: &b [*a, *a]\nResources: *b\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (LAUGHS, "line 1: YAML anchors and aliases are not allowed; write the value out"),
        ("Resources:\n  a: *b\n", "line 2: YAML anchors and aliases are not allowed"),
        ("[" * 5000, "it is nested deeper than 100 levels"),
        ('{"a":' * 200, "it is nested deeper than 100 levels"),
        ("# " + "x" * 2_000_000, "it is larger than 2000000 bytes"),
        ("a: '", "cannot be compared: while scanning a quoted scalar"),
        ("a: !!python/object/apply:os.system ['touch ran']\n", r"`make render`"),
        (b"\xff\xfe", "cannot be compared: 'utf-8' codec"),
    ],
    ids=["nested aliases", "alias", "deep", "deep JSON", "large", "broken", "code in a tag", "not UTF-8"],
)
def test_a_hostile_template_of_another_branch_is_one_line(repository: Path, text: str | bytes, reason: str) -> None:
    path = repository / "out/staging/keys.yaml"
    honest = path.read_bytes()
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    git("commit", "-qam", "hostile")
    path.write_bytes(honest)
    refused = typed("review", "--base", "HEAD")

    assert refused.exit_code == 2
    assert reason in refused.output
    assert len(refused.output.splitlines()) == 1
    assert not (repository / "ran").exists()


def test_upgrade_check_runs_nothing_before_somebody_agreed(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object) -> None:
        raise AssertionError("the revision was run")

    monkeypatch.setattr("cicd_templates.review.upgrade.render_with", run)
    refused = typed("upgrade-check", "--ref", "HEAD")
    assert refused.exit_code == 2
    assert "there is no terminal for questions" in refused.output
    monkeypatch.setattr("cicd_templates.cli.selection.confirmation", lambda yes: lambda question: False)
    declined = typed("upgrade-check", "--ref", "HEAD")
    assert declined.exit_code == 1
    assert "declined; no code of that revision was run" in declined.output


def test_a_link_of_another_revision_leads_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository, folder = tmp_path / "repository", tmp_path / "unpacked"
    repository.mkdir()
    monkeypatch.chdir(repository)
    (repository / "link").symlink_to("/etc/passwd")
    git("init", "-q", ".")
    git("add", ".")
    git("commit", "-qm", "a link")
    revision.unpack_revision("HEAD", folder)

    assert not (folder / "link").is_symlink()
    assert (folder / "link").read_text() == "/etc/passwd"


def test_the_code_of_another_revision_gets_nothing_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    package = tmp_path / "src/cicd_templates"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(
        "import os, sys\nsys.exit(' '.join(sorted(os.environ)) + os.environ['HOME'])\n"
    )
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/environments.toml").touch()
    git("init", "-q", ".")
    git("add", ".")
    git("commit", "-qm", "hostile")
    for name in ("AWS_SECRET_ACCESS_KEY", "SNYK_TOKEN", "SSH_AUTH_SOCK", "PYTHONPATH", "PYTHONSTARTUP"):
        monkeypatch.setenv(name, "secret")
    folder = tmp_path / "unpacked"
    folder.mkdir()

    with pytest.raises(CicdError) as caught:
        upgrade.render_with("HEAD", folder)
    names = str(caught.value).partition(": ")[2].removesuffix(f"{folder}/.home").split()
    assert set(names) - {"LC_CTYPE"} == {"HOME", "LANG", "PATH", "TMPDIR"}


@pytest.mark.parametrize("part", ["Properties", "Metadata"])
def test_a_resource_with_an_empty_part_is_no_template_of_ours(part: str) -> None:
    stack = stack_of({"A": {"Type": "AWS::SNS::Topic", part: None}})

    with pytest.raises(ConfigurationError, match=f"not a template that `make render` wrote .{part} of A is not a map"):
        parse_template(Path("staging/keys.yaml"), yaml.safe_dump(stack.content))
