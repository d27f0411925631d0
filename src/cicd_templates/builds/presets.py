"""Checks: what looks at a release before the gate. A check is data; the known ones are presets of that data.

No file and no comment of the source switches a preset off: what would is overruled here, or counted by the gate.

Every check runs in an image by digest, with tools whose every package is pinned by version and hash in `pins/`.
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

# Python on Debian, the same image that services start with: small, public, by digest.
PYTHON_IMAGE = BOOTSTRAP_IMAGE
TIMEOUT_MINUTES = 10
# The virtual environment of a check's tools, in the container of one build.
TOOL = "/tmp/tool"  # noqa: S108 - nobody else is in that container

# The Snyk project's own checksum of the Linux program, from its package on npm, version 1.1307.4.
SNYK_VERSION = "1.1307.4"
SNYK_SHA256 = "b0baee4fa4d7d11b7df927a1046cf8137a8a89fafac8101a45c3c0e0777ddc35"


@dataclass(frozen=True)
class Check:
    """A tool that looks at the source and writes a report to `$REPORT`; the exit code is noted and decides nothing.

    `runs_application` is false only where nothing of the application or its packages is known to run.
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


def checks_of(service: Service) -> list[Check]:
    """The checks of a service in the order of its configuration, presets filled in."""
    return [_resolved(name, table) for name, table in service.settings.checks.items()]


def _resolved(name: str, table: CheckTable) -> Check:
    """What the table says wins over its preset; without one it says all, which `consistency` has checked."""
    preset = PRESETS[table.preset]() if table.preset else None
    format_ = table.format or (preset.format if preset else None)
    assert format_ is not None, "consistency checked that one of them says it"
    return Check(
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


def written(script: str) -> str:
    """The command that writes `scripts/<script>.py`, which a reviewer reads in the template, to /tmp."""
    return f"cat > /tmp/{script}.py <<'SCRIPT'\n{_text('scripts', f'{script}.py').rstrip()}\nSCRIPT"


def installed(pins: str) -> str:
    """The command that installs what `pins/<pins>.txt` lists, and nothing else, into /tmp/tool."""
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


# The application's own packages, which its tests import and Snyk resolves: each by its hash and as a wheel, since an
# sdist runs its own code while it is installed. No secret of the check is in that process' environment.
def own_requirements(*secrets: str) -> str:
    """The command that installs what `requirements.txt` of the source lists, with its hashes, without `secrets`."""
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


def _unit_tests() -> Check:
    return Check(
        name="unit-tests",
        image=PYTHON_IMAGE,
        install=(installed("pytest"), own_requirements()),
        version="python3 -m pytest --version",
        commands=('python3 -m pytest -q -p no:cacheprovider --junitxml="$REPORT"',),
        format="junit",
    )


def _bandit() -> Check:
    return Check(
        name="bandit",
        image=PYTHON_IMAGE,
        install=(installed("bandit"),),
        version="bandit --version",
        commands=(
            "printf '[bandit]\\n' > /tmp/bandit.ini\n"
            "bandit --quiet --recursive . --exclude ./.report --ini /tmp/bandit.ini --ignore-nosec \\\n"
            '  --format json --output "$REPORT"',
        ),
        format="bandit",
        runs_application=False,
    )


def _safety() -> Check:
    return Check(
        name="safety",
        image=PYTHON_IMAGE,
        install=(installed("safety"),),
        version="safety --version",
        commands=(
            "rm -f .safety-policy.yml .safety-project.ini\n"
            'safety --stage cicd scan --target . --output json > "$REPORT"',
        ),
        format="safety",
        secrets={"SAFETY_API_KEY": "safety-api-key"},
        runs_application=False,
    )


def _snyk() -> Check:
    return Check(
        name="snyk",
        image=PYTHON_IMAGE,
        install=(own_requirements("SNYK_TOKEN"), GET_SNYK),
        version="snyk --version",
        commands=(
            "snyk test --file=requirements.txt --package-manager=pip --command=/tmp/tool/bin/python3 \\\n"
            '  --ignore-policy --json-file-output="$REPORT"',
        ),
        format="snyk",
        secrets={"SNYK_TOKEN": "snyk-token"},
    )


def _secrets() -> Check:
    return Check(
        name="secrets",
        image=PYTHON_IMAGE,
        install=(installed("detect-secrets"),),
        version="detect-secrets --version",
        commands=(
            "detect-secrets scan --all-files --no-verify --exclude-files '^\\.report/' \\\n"
            '  --disable-filter detect_secrets.filters.allowlist.is_line_allowlisted > "$REPORT"',
        ),
        format="detect-secrets",
        runs_application=False,
    )


PRESETS: Mapping[Preset, Callable[[], Check]] = {
    "bandit": _bandit,
    "safety": _safety,
    "secrets": _secrets,
    "snyk": _snyk,
    "unit-tests": _unit_tests,
}
