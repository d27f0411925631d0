"""An application that tries to bypass every check with file names, configuration and odd paths.

`write` puts the files of `steering()` and `findings()` into a copy of an application. Some of these files have the name
of a module, so that Python could load them instead. Each of them notes in `$HOME/loaded` which program loaded it, and
then calls the real module, as an attacker would who wants to stay unnoticed.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

# Notes who loads it, takes its folder off the path, and becomes the real module.
MODULE = """\
import os
import sys

with open(os.path.join(os.environ.get("HOME", "/"), "loaded"), "a") as notes:
    notes.write(__name__ + " by " + " ".join(sys.orig_argv) + chr(10))
here = os.path.dirname(os.path.abspath(__file__))
own = (here, os.path.dirname(here))
sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or os.curdir) not in own]
if __name__ not in ("sitecustomize", "usercustomize", "conftest"):
    sys.modules.pop(__name__, None)
    __import__(__name__)
"""
TOOL_MODULES = (
    "bandit", "boto3", "botocore", "certifi", "click", "cyclonedx", "cyclonedx_py", "detect_secrets", "ensurepip",
    "git", "idna", "iniconfig", "packaging", "pip", "pkg_resources", "pluggy", "pygments", "pytest", "_pytest",
    "requests", "rich", "s3transfer", "safety", "setuptools", "sitecustomize", "snyk", "stevedore", "typer", "urllib3",
    "usercustomize", "venv", "wheel", "yaml",
)  # fmt: skip
PROGRAM = '#!/bin/sh\necho "$0 $*" >> "$HOME/loaded"\n'
PROGRAMS = (
    "python",
    "python3",
    "pip",
    "bandit",
    "safety",
    "snyk",
    "detect-secrets",
    "cyclonedx-py",
    "aws",
    "docker",
    "sh",
)
# What tools read where they run, and what it would switch off.
CONFIGURATION = {
    ".bandit": "[bandit]\nskips: B602,B105\nexclude: .\n",
    "src/.bandit": "[bandit]\nskips: B602\n",
    "bandit.yaml": "skips: [B602]\nexclude_dirs: ['.']\n",
    ".safety-policy.yml": "version: '3.0'\nscanning-settings: {exclude: ['**']}\n",
    ".safety-project.ini": "[project]\nid = other\nurl = /other\n",
    ".snyk": "version: v1.25.0\nignore: {'*': [{'*': {reason: none}}]}\nexclude: {global: ['**']}\n",
    ".secrets.baseline": '{"version": "1.5.0", "plugins_used": [], "filters_used": [], "results": {}}\n',
    ".pre-commit-config.yaml": "exclude: '.*'\n",
    ".gitignore": "*\n",
    ".gitattributes": "* filter=evil\n",
    "setup.cfg": "[bandit]\nskips = B602\n[tool:pytest]\naddopts = --collect-only\n",
    "tox.ini": "[bandit]\nskips = B602\n[pytest]\naddopts = --collect-only\n",
    "pyproject.toml": "[tool.bandit]\nskips = ['B602']\n[tool.pytest.ini_options]\naddopts = '--collect-only'\n",
    "pip.conf": "[global]\nno-binary = :all:\nno-deps = false\n",
    ".pip/pip.conf": "[global]\nrequire-virtualenv = true\n",
    ".config/pip/pip.conf": "[global]\nrequire-virtualenv = true\n",
    "pyvenv.cfg": "home = .\ninclude-system-site-packages = true\n",
    "evil.pth": "import os; os.system('touch loaded')\n",
    ".netrc": "default login a password b\n",
    ".npmrc": "ignore-scripts=false\n",
    ".python-version": "2.7\n",
    ".coveragerc": "[run]\nplugins = venv\n",
    ".report/report.json": '{"results": [], "errors": [], "metrics": {}}\n',
    ".report/report.xml": "<testsuites><testsuite tests='9'/></testsuites>\n",
    ".report/run.json": '{"exit_code": 0}\n',
    "report.json": "{}\n",
    "run.json": "{}\n",
}
PACKAGES = ("bandit", "detect_secrets", "encodings", "importlib", "json", "pip", "venv")
SHELL = "import subprocess\n\n\ndef run(command):\n    return subprocess.call(command, shell=True)\n"
# Folders and names that a filter could pass over.
CODE_PATHS = (
    ".reporter/planted.py",
    ".report.d/planted.py",
    ".hidden/planted.py",
    "dev/null/planted.py",
    "__pycache__/planted.py",
    ".hg/hooks/planted.py",
    ".tox/planted.py",
    "venv/planted.py",
    "node_modules/planted.py",
    "a.egg/planted.py",
    "tests/planted.py",
    "with space/planted file.py",
    "-rf/--help.py",
    "$(touch loaded)/planted;.py",
    "grüße/größe.py",
    "/".join(["deep"] * 60) + "/planted.py",
)


def key(number: int) -> str:
    """Return one of many invalid access keys. The key is assembled, so that this file contains no secret."""
    return "AKIA" + f"{number:016d}".translate(str.maketrans("0123456789", "QRSTUVWXYZ"))


SECRET_PATHS = (
    "src/config.py",
    "src/swagger.py",
    "swagger/ui.js",
    "package-lock.json",
    "poetry.lock",
    "yarn.lock",
    "logo.png",
    "archive.zip",
    "style.css",
    ".env",
    ".hidden/key",
    ".svn/stash",
    "noextension",
    "docs/grüße.md",
)


def steering() -> Mapping[str, bytes]:
    """Return files that try to run code or to steer a tool, but contain nothing that a check should report."""
    names = {*sys.stdlib_module_names, *TOOL_MODULES} - {"__future__"}
    files = {f"{name}.py": MODULE for name in names if name.isidentifier()}
    files |= {f"{name}/__init__.py": MODULE for name in PACKAGES}
    files |= {f"{name}/__main__.py": MODULE for name in PACKAGES}
    files |= {name: PROGRAM for name in PROGRAMS if name not in PACKAGES}
    files |= {f"bin/{name}": PROGRAM for name in PROGRAMS}
    return {path: text.encode() for path, text in {**files, **CONFIGURATION}.items()}


def findings() -> tuple[Mapping[str, bytes], Mapping[str, bytes]]:
    """Return files with a shell call for Bandit, and files with an access key for the check of secrets."""
    code = {path: SHELL.encode() for path in CODE_PATHS}
    secrets = {path: f'KEY = "{key(number)}"\n'.encode() for number, path in enumerate(SECRET_PATHS)}
    last = len(secrets)
    secrets |= {
        "src/latin.py": f'# caf\xe9\nKEY = "{key(last)}"\n'.encode("latin-1"),
        "src/wide.py": f'KEY = "{key(last + 1)}"\n'.encode("utf-16"),
        "src/marked.py": f'KEY = "{key(last + 2)}"\n'.encode("utf-8-sig"),
        # Python runs it, and detect-secrets reads it as an INI file.
        "src/section.py": f'[KEY := "{key(last + 20)}"]\nREGION = "eu"\n'.encode(),
        "src/settings.ini": f"[a]\nb = 1\n# {key(last + 21)}\n".encode(),
        # A false mark of UTF-16, before which many readers find the text.
        "src/marked.pem": f"\n {key(last + 22)}\n".encode("latin-1").join((b"\xff\xfe", b"")),
        "src/marked.txt": f"\n {key(last + 23)}\n".encode("latin-1").join((b"\xfe\xff", b"")),
        "src/allowed.py": f'KEY = "{key(last + 3)}"  # pragma: allowlist secret\n'.encode(),
        "src/call.py": f'client = connect(access_key_id="{key(last + 4)}")\n'.encode(),
        "src/wide_without_mark.json": f'{{"key": "{key(last + 6)}"}}'.encode("utf-16-le"),
        "src/wider_without_mark.json": f'{{"key": "{key(last + 7)}"}}'.encode("utf-32-be"),
        "src/nul.txt": "\0".join(f'KEY = "{key(last + 8)}"').encode(),
        "src/digest.py": f'KEY = "sha256-/{key(last + 9)}{"A" * 22}="\n'.encode(),
        f"src/{key(last + 10)}.txt": b"the name is the secret\n",
        f"src/{key(last + 11)}/x.txt": b"the folder has the secret\n",
        "src/binary.bin": b"\x00\xff\xfe" + f'\nKEY = "{key(last + 5)}"\n'.encode(),
    }
    return code, secrets


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """Write `files` below `folder`. If the application has a file with the name of a folder here, the file stays."""
    for path, content in files.items():
        target = folder / path
        if any(parent.is_file() for parent in target.parents) or target.is_dir():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(0o755)
