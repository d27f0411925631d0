"""The committed folder is written completely and compared exactly, and files of others in it are kept."""

from __future__ import annotations

import errno
import os
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from cicd_templates.errors import CicdError
from cicd_templates.render import out_folder, processes, render
from templates import LAYERS
from tests.conftest import configured, environment, rendered_stacks

FILES = {"staging/keys.yaml": "keys\n", "README.md": "index\n", "SHA256SUMS": "0  staging/keys.yaml\n0  README.md\n"}


def test_writing_says_what_it_wrote_and_writing_again_changes_nothing(tmp_path: Path) -> None:
    first = out_folder.write_files(FILES, tmp_path)
    again = out_folder.write_files(FILES, tmp_path)

    assert first.written == ("README.md", "SHA256SUMS", "staging/keys.yaml")
    assert (again.written, again.unchanged) == ((), 3)
    assert out_folder.diff_against_folder(FILES, tmp_path) == []


def test_many_files_are_compared_and_written_in_several_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "STACKS_WORTH_PROCESSES", 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    many = FILES | {f"staging/{number}.yaml": f"{number}\n" for number in range(120)}
    first = out_folder.write_files(many, tmp_path)
    (tmp_path / "staging/7.yaml").write_text("edited\n")
    again = out_folder.write_files(many, tmp_path)

    assert first.written == tuple(sorted(many))
    assert (again.written, again.unchanged) == (("staging/7.yaml",), 122)
    assert out_folder.diff_against_folder(many, tmp_path) == []


def test_an_error_of_a_process_that_writes_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STACKS_WORTH_PROCESSES", 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)

    def full(path: Path, text: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(out_folder, "replace_file", full)
    with pytest.raises(CicdError, match=rf"^{tmp_path}/staging/a.yaml: cannot be written: No space left on device$"):
        out_folder.write_files({"staging/a.yaml": "a", "staging/b.yaml": "b"}, tmp_path)


def test_files_of_removed_layers_are_deleted_and_strangers_kept(tmp_path: Path) -> None:
    out_folder.write_files(
        FILES | {"SHA256SUMS": FILES["SHA256SUMS"] + "0  old/gone.yaml\n", "old/gone.yaml": "x"}, tmp_path
    )
    (tmp_path / "staging/notes.txt").write_text("mine")
    written = out_folder.write_files(FILES, tmp_path)

    assert written.deleted == ("old/gone.yaml",)
    assert written.kept == ("staging/notes.txt",)
    assert not (tmp_path / "old").exists()
    assert (tmp_path / "staging/notes.txt").read_text() == "mine"


def test_a_folder_that_still_holds_a_stranger_stays(tmp_path: Path) -> None:
    out_folder.write_files(FILES | {"SHA256SUMS": "0  old/gone.yaml\n", "old/gone.yaml": "x"}, tmp_path)
    (tmp_path / "old/mine.txt").write_text("mine")
    out_folder.write_files(FILES, tmp_path)

    assert [path.name for path in (tmp_path / "old").iterdir()] == ["mine.txt"]


def test_a_difference_is_a_unified_diff_in_both_directions(tmp_path: Path) -> None:
    out_folder.write_files(FILES, tmp_path)
    (tmp_path / "staging/keys.yaml").write_text("edited\n")
    (tmp_path / "gone.yaml").write_text("gone\n")
    (tmp_path / "SHA256SUMS").write_text(f"{FILES['SHA256SUMS']}0  gone.yaml\n")
    (tmp_path / "README.md").unlink()
    difference = out_folder.diff_against_folder(FILES, tmp_path)

    assert "-edited" in difference
    assert "+keys" in difference
    assert "-gone" in difference
    assert f"--- {tmp_path}/gone.yaml" in difference
    assert "+++ /dev/null" in difference
    assert "--- /dev/null" in difference
    assert "+index" in difference


def test_a_file_that_no_render_wrote_is_no_difference_but_a_stray(tmp_path: Path) -> None:
    out_folder.write_files(FILES, tmp_path)
    (tmp_path / "staging/claims.yaml").write_text("mine\n")
    (tmp_path / "notes.txt").write_text("mine\n")

    assert out_folder.diff_against_folder(FILES, tmp_path) == []
    assert out_folder.strays(FILES, tmp_path) == ["notes.txt", "staging/claims.yaml"]
    assert out_folder.write_files(FILES, tmp_path).kept == ("notes.txt", "staging/claims.yaml")


def test_other_line_ends_are_a_difference_and_are_written_again(tmp_path: Path) -> None:
    out_folder.write_files(FILES, tmp_path)
    path = next(path for path in FILES if path.endswith(".yaml"))
    (tmp_path / path).write_bytes(FILES[path].replace("\n", "\r\n").encode())

    difference = out_folder.diff_against_folder(FILES, tmp_path)

    assert difference == [f"{tmp_path / path}: only the line ends differ; `make render` writes them as LF"]
    assert out_folder.write_files(FILES, tmp_path).written == (path,)
    assert (tmp_path / path).read_bytes() == FILES[path].encode()


@pytest.mark.no_cover
def test_the_checksums_are_those_that_sha256sum_checks(tmp_path: Path) -> None:
    rendered = rendered_stacks()
    out_folder.write_files(out_folder.files_of(rendered, tmp_path), tmp_path)

    checked = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=tmp_path, capture_output=True, check=False)
    assert checked.returncode == 0
    # The index and the digests too.
    assert checked.stdout.count(b": OK") == len(rendered) + 5


@pytest.mark.no_cover
def test_one_environment_is_written_without_touching_the_others(tmp_path: Path) -> None:
    rendered = rendered_stacks()
    out_folder.write_files(out_folder.files_of(rendered, tmp_path), tmp_path)
    for name in ("staging", "production"):
        (tmp_path / f"{name}/keys.yaml").write_text("edited\n")
    (tmp_path / "production/storage.yaml").unlink()
    out_folder.write_files(out_folder.files_of(rendered, tmp_path, "staging"), tmp_path)

    assert (tmp_path / "staging/keys.yaml").read_text() != "edited\n"
    assert (tmp_path / "production/keys.yaml").read_text() == "edited\n"
    assert not (tmp_path / "production/storage.yaml").exists()
    assert subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=tmp_path, check=False).returncode == 0


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("only", "others"), [("staging", "production"), ("production", "staging"), ("tools", "staging")]
)
def test_one_environment_of_a_copy_is_written_alone(only: str, others: str, tmp_path: Path) -> None:
    github = {"repository": "me/pay", "releases": True}
    rendered = rendered_stacks(("services/parcel-dispatcher/github", github), suffix="pr1")
    out_folder.write_files(out_folder.files_of(rendered, tmp_path, only), tmp_path)

    folders = {f"{only}-pr1", *(["github"] if only == "tools" else [])}
    assert {path.name for path in tmp_path.iterdir()} == {*folders, "README.md", "SHA256SUMS"}
    assert f"({only}-pr1/keys.yaml)" in (tmp_path / "README.md").read_text()
    assert f"({others}-pr1/keys.yaml)" not in (tmp_path / "README.md").read_text()

    out_folder.write_files(out_folder.files_of(rendered, tmp_path, others), tmp_path)
    page = tmp_path / f"{only}-pr1/REVIEW.md"
    page.write_text("older\n")
    assert out_folder.write_files(out_folder.files_of(rendered, tmp_path, only), tmp_path).written == (
        f"{only}-pr1/REVIEW.md",
    )
    assert page.read_text() != "older\n"


@pytest.mark.no_cover
def test_one_environment_as_json_leaves_the_yaml_of_the_others(tmp_path: Path) -> None:
    for form in ("yaml", "json"):
        rendered = render.render(configured(), LAYERS, form)
        files = out_folder.files_of(rendered, tmp_path, None if form == "yaml" else "staging")
        written = out_folder.write_files(files, tmp_path)

    assert "staging/keys.yaml" in written.deleted
    assert {path.split("/")[0] for path in written.deleted} == {"staging"}


@pytest.mark.parametrize(
    ("linked", "target"),
    [
        pytest.param("staging/keys.yaml", "same.yaml", id="a file with the same content"),
        pytest.param("staging/keys.yaml", "none.yaml", id="nothing"),
        pytest.param("staging", "same", id="a folder with the same files"),
        pytest.param("SHA256SUMS", "same.txt", id="the checksums"),
    ],
)
def test_a_link_is_a_difference_and_is_replaced_even_if_the_content_is_the_same(
    linked: str, target: str, tmp_path: Path
) -> None:
    files = FILES | {"staging/network.yaml": "network\n"}
    root, elsewhere = tmp_path / "out", tmp_path / target
    out_folder.write_files(files, root)
    (root / linked).rename(elsewhere)
    (root / linked).symlink_to(elsewhere)
    if target == "none.yaml":
        elsewhere.unlink()

    assert out_folder.diff_against_folder(files, root) == [
        f"{root / linked}: is a link to {elsewhere}; `make render` replaces it"
    ]
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("same*/**/*") if path.is_file()}
    written = out_folder.write_files(files, root)
    assert [path for path in written.written if path.startswith(linked)], written
    assert not (root / linked).is_symlink()
    assert {path: (root / path).read_text() for path in files} == files
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert out_folder.diff_against_folder(files, root) == []


@pytest.mark.parametrize("target", ["same", "none"])
def test_a_link_or_named_pipe_that_nobody_rendered_is_a_stray(target: str, tmp_path: Path) -> None:
    root = tmp_path / "out"
    out_folder.write_files(FILES, root)
    (tmp_path / "same").mkdir()
    (tmp_path / "same/keys.yaml").write_text("text\n")
    (root / "more").symlink_to(tmp_path / target)
    os.mkfifo(root / "pipe.yaml")

    assert out_folder.strays(FILES, root) == ["more", "pipe.yaml"]
    assert out_folder.diff_against_folder(FILES, root) == []
    assert out_folder.write_files(FILES, root).kept == ("more", "pipe.yaml")


def test_a_link_in_the_place_of_a_file_that_is_no_longer_rendered_is_removed(tmp_path: Path) -> None:
    more = {"staging/old.yaml": "old\n", "SHA256SUMS": FILES["SHA256SUMS"] + "0  staging/old.yaml\n"}
    out_folder.write_files(FILES | more, tmp_path)
    (tmp_path / "staging/old.yaml").unlink()
    (tmp_path / "staging/old.yaml").symlink_to("nowhere")

    assert f"{tmp_path / 'staging/old.yaml'}: is a link to nowhere; `make render` removes it" in (
        out_folder.diff_against_folder(FILES, tmp_path)
    )
    assert out_folder.write_files(FILES, tmp_path).deleted == ("staging/old.yaml",)
    assert not (tmp_path / "staging/old.yaml").is_symlink()


@pytest.mark.parametrize("path", ["README.md", "SHA256SUMS", "staging/keys.yaml"])
def test_a_pipe_in_the_place_of_a_file_is_one_clear_error(path: str, tmp_path: Path) -> None:
    out_folder.write_files(FILES, tmp_path)
    (tmp_path / path).unlink()
    os.mkfifo(tmp_path / path)

    with pytest.raises(CicdError, match=rf"{path}: is not an ordinary file; remove it"):
        out_folder.write_files(FILES, tmp_path)


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")

    with pytest.raises(CicdError, match=r"out.*cannot be"):
        out_folder.write_files(FILES, tmp_path / "out")


def test_a_file_that_is_no_text_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes(b"\xff")

    with pytest.raises(CicdError, match=r"README\.md: cannot be read"):
        out_folder.diff_against_folder(FILES, tmp_path)


def test_an_interrupted_write_leaves_the_old_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out_folder.write_files(FILES, tmp_path)

    def interrupted(self: Path, target: Path) -> Path:
        raise OSError(os.strerror(28))

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(CicdError, match="cannot be written"):
        out_folder.write_files(FILES | {"README.md": "new\n"}, tmp_path)
    assert (tmp_path / "README.md").read_text() == "index\n"


def test_an_interrupted_run_still_knows_which_files_are_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out_folder.write_files(FILES, tmp_path)
    before = (tmp_path / "SHA256SUMS").read_text()
    (removed, *_) = sorted(path for path in FILES if path.endswith(".yaml"))
    files = {path: f"{text}\n" for path, text in FILES.items() if path != removed}

    unlink = Path.unlink

    def interrupted(self: Path, missing_ok: bool = False) -> None:
        if self == tmp_path / removed:
            raise KeyboardInterrupt
        unlink(self, missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", interrupted)
        with pytest.raises(KeyboardInterrupt):
            out_folder.write_files(files, tmp_path)
    assert (tmp_path / "SHA256SUMS").read_text() == before
    assert out_folder.write_files(files, tmp_path).deleted == (removed,)


# The files of a service, and attributes that change each of them if git writes it into an archive.
ATTRIBUTES = """* export-ignore export-subst
run.sh text eol=crlf
ident.sh ident
wide.sh working-tree-encoding=UTF-16
filtered.sh filter=shout
"""
SOURCES = {
    "run.sh": b"$Format:%H$\n",
    "ident.sh": b"# $Id$\n",
    "wide.sh": b"echo wide\n",
    "filtered.sh": b"echo quiet\n",
}


def archive_of_the_workflow(script: str, checkout: Path) -> dict[str, bytes]:
    """Run the commands that make the archive, in a commit with attributes that change archives. Return its files."""
    app = checkout / "apps/pay"
    app.mkdir(parents=True)
    for name, content in SOURCES.items():
        (app / name).write_bytes(content)
    here = {**os.environ, "TREE": "HEAD:apps/pay", "RUNNER_TEMP": str(checkout), "GIT_CONFIG_GLOBAL": os.devnull}
    person = "-c user.name=a -c user.email=a@x -c core.safecrlf=false"
    made = f"""git init -q && git config filter.shout.smudge 'tr a-z A-Z' && git config filter.shout.clean cat
git add -A && git {person} commit -qm a
printf %s '{ATTRIBUTES}' > apps/pay/.gitattributes && git add apps/pay/.gitattributes && git {person} commit -qm b
{script.split("curl")[0]}"""
    subprocess.run(["bash", "-c", made], cwd=checkout, env=here, check=True, capture_output=True)
    with zipfile.ZipFile(checkout / "source.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_service_that_github_releases_has_its_workflow_among_the_files(tmp_path: Path) -> None:
    import yaml

    github = {"repository": "me/pay", "branch": "release", "releases": True}
    edits = [("services/parcel-dispatcher/github", github), ("services/parcel-dispatcher/path", "apps/pay")]
    files = out_folder.files_of(rendered_stacks(*edits), tmp_path)
    text = files["github/release-parcel-dispatcher.yml"]
    workflow = yaml.safe_load(text)

    assert workflow["jobs"]["release"]["permissions"] == {"contents": "read", "id-token": "write"}
    assert workflow[True] == {"push": {"branches": ["release"]}}  # YAML 1.1 takes the key `on` for a truth
    step = workflow["jobs"]["release"]["steps"][-1]
    role = "arn:aws:iam::111111111111:role/shipping-tools-parcel-dispatcher-github-release"
    assert (step["env"]["AWS_ROLE_ARN"], step["env"]["KEY"]) == (role, "parcel-dispatcher/source.zip")
    assert "git archive --format=zip" in step["run"]
    assert step["env"]["TREE"] == "HEAD:apps/pay"
    assert archive_of_the_workflow(step["run"], tmp_path / "checkout") == {
        ".gitattributes": ATTRIBUTES.encode(),
        **SOURCES,
    }
    parsed = subprocess.run(["bash", "-n"], input=step["run"], capture_output=True, text=True, check=False)
    assert parsed.returncode == 0, parsed.stderr
    without = out_folder.files_of(rendered_stacks(), tmp_path)
    assert not [path for path in without if "github" in path]


def test_the_workflow_of_pull_requests_is_among_the_files_but_not_in_a_copy(tmp_path: Path) -> None:
    edits = [("project/repository", "me/delivery"), ("environments/staging/pull_requests", True)]

    assert (
        'name: "preview of shipping"'
        in out_folder.files_of(rendered_stacks(*edits), tmp_path)["github/pull-request.yml"]
    )
    assert "github/pull-request.yml" not in out_folder.files_of(rendered_stacks(*edits, suffix="pr1"), tmp_path)


@pytest.mark.parametrize(
    ("region", "partition"), [("eu-central-1", "aws"), ("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn")]
)
def test_a_workflow_knows_the_partition_of_its_region(region: str, partition: str) -> None:
    from cicd_templates.render.github_workflow import workflow

    tools = environment("tools")
    env = replace(tools, settings=tools.settings.model_copy(update={"region": region}))
    text = workflow(env, env.services[0])

    assert f"arn:{partition}:iam::111111111111:role/" in text


def test_the_checksums_are_written_after_all_other_changed_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    monkeypatch.setattr(out_folder, "replace_file", lambda path, text: written.append(path.name))
    out_folder.write_changed({"SHA256SUMS": "", "a.yaml": "", "z.yaml": ""}, tmp_path)
    assert written == ["a.yaml", "z.yaml", "SHA256SUMS"]

    def full(path: Path, text: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(out_folder, "replace_file", full)
    with pytest.raises(CicdError, match=rf"^{tmp_path}/a.yaml: cannot be written: No space left on device$"):
        out_folder.write_changed({"a.yaml": ""}, tmp_path)
