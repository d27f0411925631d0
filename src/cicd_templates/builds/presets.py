"""The checks of a release: tools that report on its source to the scan gate. The known tools are presets.

A check is data: an image by digest, commands, and the format of its report. Presets install their tools from `pins/`,
which pins every package by version and hash. No file or comment in the source can switch a preset off: the commands
here override it, or the gate counts it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cicd_templates import builds
from cicd_templates.config.environment import Service
from cicd_templates.config.tables.checks import CheckTable, Preset, ReportFormat
from cicd_templates.config.tables.service import BOOTSTRAP_IMAGE

# Python on Debian: small, public, and the image that services start with.
PYTHON_IMAGE = BOOTSTRAP_IMAGE
TIMEOUT_MINUTES = 10
# The virtual environment of a check's tools, in the container of one build.
TOOL = "/tmp/tool"  # noqa: S108 - nobody else is in that container

# The Linux program's checksum as Snyk publishes it in its npm package of this version.
SNYK_VERSION = "1.1307.4"
SNYK_SHA256 = "b0baee4fa4d7d11b7df927a1046cf8137a8a89fafac8101a45c3c0e0777ddc35"


@dataclass(frozen=True)
class ReleaseCheck:
    """A tool that examines the source and writes a report to `$REPORT`; its exit code is recorded but decides nothing.

    `runs_application` is false only for tools that are known not to run code of the application or its packages.
    """

    name: str
    image: str
    install: tuple[str, ...]
    version: str
    commands: tuple[str, ...]
    format: ReportFormat
    secrets: Mapping[str, str] = field(default_factory=dict)
    timeout_minutes: int = TIMEOUT_MINUTES
    runs_application: bool = True


def checks_of(service: Service) -> list[ReleaseCheck]:
    """Return the checks of a service in the order of its configuration, with the values of presets filled in."""
    return [_check(name, table) for name, table in service.settings.checks.items()]


def _check(name: str, table: CheckTable) -> ReleaseCheck:
    """Return the table's own values, and the preset's where it has none; validation refuses a table with neither."""
    preset = PRESETS[table.preset]() if table.preset else None
    format_ = table.format or (preset.format if preset else None)
    assert format_ is not None, "validation refuses a check without a format"
    return ReleaseCheck(
        name=name,
        image=table.image or (preset.image if preset else PYTHON_IMAGE),
        install=table.install or (preset.install if preset else ()),
        version=table.version or (preset.version if preset else ""),
        commands=table.commands or (preset.commands if preset else ()),
        format=format_,
        secrets=table.secrets or (preset.secrets if preset else {}),
        timeout_minutes=table.timeout_minutes or TIMEOUT_MINUTES,
        runs_application=preset is None or preset.runs_application or bool(table.install or table.commands),
    )


def write_script(script: str) -> str:
    """Return the command that writes `scripts/<script>.py` to /tmp; a reviewer reads the script in the template."""
    return f"cat > /tmp/{script}.py <<'SCRIPT'\n{_text('scripts', f'{script}.py').rstrip()}\nSCRIPT"


def install_pins(pins: str) -> str:
    """Return the command that installs exactly the packages of `pins/<pins>.txt` into /tmp/tool."""
    return "\n".join(
        [
            f"cat > /tmp/{pins}.txt <<'PINS'",
            _text("pins", f"{pins}.txt").rstrip("\n"),
            "PINS",
            f"[ -d {TOOL} ] || python3 -m venv {TOOL}",
            f"{TOOL}/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes \\",
            f"  --only-binary :all: --requirement /tmp/{pins}.txt",
        ]
    )


@cache
def _text(folder: str, name: str) -> str:
    (root,) = builds.__path__
    return Path(root, folder, name).read_text(encoding="ascii")


# The application's own packages, which its tests import and Snyk resolves. Only wheels with a known hash: an sdist runs
# code of its own while pip installs it. The secrets of the check are not in pip's environment.
def install_requirements(*secrets: str) -> str:
    """Return the command that installs the source's `requirements.txt` by hash, with `secrets` unset."""
    without = " ".join(["env", *(f"--unset={name}" for name in secrets), ""]) if secrets else ""
    return "\n".join(
        [
            f"[ -d {TOOL} ] || python3 -m venv {TOOL}",
            "if [ -f requirements.txt ]; then",
            f"  {without}{TOOL}/bin/pip install --quiet --disable-pip-version-check \\",
            "    --no-deps --require-hashes --only-binary :all: --requirement requirements.txt",
            "fi",
        ]
    )


GET_SNYK = f"""\
python3 - <<'GET'
import hashlib, os, urllib.request
url = "https://downloads.snyk.io/cli/v{SNYK_VERSION}/snyk-linux"
with urllib.request.urlopen(url, timeout=120) as answer:
    program = answer.read()
if hashlib.sha256(program).hexdigest() != "{SNYK_SHA256}":
    raise SystemExit("snyk is not what its publisher says it is")
with open("/tmp/tool/bin/snyk", "wb") as file:
    file.write(program)
os.chmod("/tmp/tool/bin/snyk", 0o755)
GET"""


def _unit_tests() -> ReleaseCheck:
    return ReleaseCheck(
        name="unit-tests",
        image=PYTHON_IMAGE,
        install=(install_pins("pytest"), install_requirements()),
        version="python3 -m pytest --version",
        commands=('python3 -m pytest -q -p no:cacheprovider --junitxml="$REPORT"',),
        format="junit",
    )


def _bandit() -> ReleaseCheck:
    return ReleaseCheck(
        name="bandit",
        image=PYTHON_IMAGE,
        install=(install_pins("bandit"),),
        version="bandit --version",
        commands=(
            "printf '[bandit]\\n' > /tmp/bandit.ini\n"
            "bandit --quiet --recursive . --exclude ./.report --ini /tmp/bandit.ini --ignore-nosec \\\n"
            '  --format json --output "$REPORT"',
        ),
        format="bandit",
        runs_application=False,
    )


def _safety() -> ReleaseCheck:
    return ReleaseCheck(
        name="safety",
        image=PYTHON_IMAGE,
        install=(install_pins("safety"),),
        version="safety --version",
        commands=(
            "rm -f .safety-policy.yml .safety-project.ini\n"
            'safety --stage cicd scan --target . --output json > "$REPORT"',
        ),
        format="safety",
        secrets={"SAFETY_API_KEY": "safety-api-key"},
        runs_application=False,
    )


def _snyk() -> ReleaseCheck:
    return ReleaseCheck(
        name="snyk",
        image=PYTHON_IMAGE,
        install=(install_requirements("SNYK_TOKEN"), GET_SNYK),
        version="snyk --version",
        commands=(
            "snyk test --file=requirements.txt --package-manager=pip --command=/tmp/tool/bin/python3 \\\n"
            '  --ignore-policy --json-file-output="$REPORT"',
        ),
        format="snyk",
        secrets={"SNYK_TOKEN": "snyk-token"},
    )


def _secrets() -> ReleaseCheck:
    return ReleaseCheck(
        name="secrets",
        image=PYTHON_IMAGE,
        install=(install_pins("detect-secrets"),),
        version="detect-secrets --version",
        commands=(
            "detect-secrets scan --all-files --no-verify --exclude-files '^\\.report/' \\\n"
            '  --disable-filter detect_secrets.filters.allowlist.is_line_allowlisted > "$REPORT"',
        ),
        format="detect-secrets",
        runs_application=False,
    )


PRESETS: Mapping[Preset, Callable[[], ReleaseCheck]] = {
    "bandit": _bandit,
    "safety": _safety,
    "secrets": _secrets,
    "snyk": _snyk,
    "unit-tests": _unit_tests,
}
