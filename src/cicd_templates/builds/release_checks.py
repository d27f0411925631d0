"""The checks of a release: tools that examine its source and report to the scan gate. Presets are predefined checks.

A check is data: an image by digest, commands, and the format of its report. Presets install their tools from `pins/`,
where every package is pinned by version and hash.

The source is treated as hostile:

- No file or comment in the source can switch a preset off. Either a command here overrides it, or the gate counts the
  findings that it suppresses.
- Tools are installed outside the source and started by their absolute path.
- Python starts isolated (`-I`). Otherwise it could load a file of the source instead of a standard module of the same
  name.
- A check runs code of the application only if it is configured to do so. It then gets no secret.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cicd_templates import builds
from cicd_templates.config.environment import Service
from cicd_templates.config.tables.checks import PRESET_SECRETS, CheckTable, Preset, ReportFormat
from cicd_templates.config.tables.service import BOOTSTRAP_IMAGE

# A small public image with Python on Debian. A new service runs the same image before its first release.
PYTHON_IMAGE = BOOTSTRAP_IMAGE
TIMEOUT_MINUTES = 10
# The virtual environment of a check's tools, in the container of one build.
TOOL = "/tmp/tool"  # noqa: S108 - nobody else is in that container
MAKE_TOOL = f"[ -d {TOOL} ] || python3 -I -m venv {TOOL}"
# The virtual environment that holds only the metadata of the application's packages.
DESCRIBED = "/tmp/described"  # noqa: S108 - as above
# The folder with copies of the requirements files that a scanner judges.
JUDGED = "/tmp/judged"  # noqa: S108 - as above
ARCHIVES = "/tmp/packaged_archives.json"  # noqa: S108 - as above

# The checksum of the Linux program, which Snyk publishes in its npm package of this version.
SNYK_VERSION = "1.1307.4"
SNYK_SHA256 = "b0baee4fa4d7d11b7df927a1046cf8137a8a89fafac8101a45c3c0e0777ddc35"


@dataclass(frozen=True)
class ReleaseCheck:
    """A tool that examines the source and writes a report to `$REPORT`.

    Its exit code is recorded, but does not decide about the release. The commands in `tools` run first, outside the
    source. Then `install` and `commands` run in the service's folder. `runs_application` is false only for tools that
    are known to run no code of the application or its packages. `tool` is the tool's name. If many tools can write the
    format of the report, the gate requires that the report states this name.
    """

    name: str
    image: str
    version: str
    commands: tuple[str, ...]
    format: ReportFormat
    tool: str = ""
    tools: tuple[str, ...] = ()
    install: tuple[str, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)
    timeout_minutes: int = TIMEOUT_MINUTES
    runs_application: bool = True


def checks_of(service: Service) -> list[ReleaseCheck]:
    """Return the checks of a service in the order of its configuration, with the values of presets filled in."""
    return [_check(name, table) for name, table in service.settings.checks.items()]


def _check(name: str, table: CheckTable) -> ReleaseCheck:
    """Return the check that `table` configures. Values that the table does not set come from its preset.

    A table without a preset has all required values; validation has refused any other.
    """
    preset = PRESETS[table.preset]() if table.preset else None
    format_ = table.format or (preset.format if preset else None)
    assert format_ is not None, "validation refuses a check without a format"
    return ReleaseCheck(
        name=name,
        image=table.image or (preset.image if preset else PYTHON_IMAGE),
        tools=preset.tools if preset and not table.install else (),
        install=table.install or (preset.install if preset else ()),
        version=table.version or (preset.version if preset else ""),
        commands=table.commands or (preset.commands if preset else ()),
        format=format_,
        tool=table.tool or (preset.tool if preset and not table.has_own_commands else ""),
        secrets=table.secrets or (preset.secrets if preset else {}),
        timeout_minutes=table.timeout_minutes or TIMEOUT_MINUTES,
        runs_application=_runs_application(table, preset),
    )


def _runs_application(table: CheckTable, preset: ReleaseCheck | None) -> bool:
    """Return whether the check runs code of the application.

    By default, this is true for a check with commands of the user, and otherwise as its preset says.
    """
    if table.runs_application is not None:
        return table.runs_application
    return preset is None or preset.runs_application or table.has_own_commands


def write_script(name: str) -> str:
    """Return the command that writes `scripts/<name>` to /tmp, so that the template contains the whole script."""
    return f"cat > /tmp/{name} <<'SCRIPT'\n{_text('scripts', name).rstrip()}\nSCRIPT"


def install_pins(pins: str) -> str:
    """Return the command that installs exactly the packages of `pins/<pins>.txt` into /tmp/tool."""
    return "\n".join(
        [
            f"cat > /tmp/{pins}.txt <<'PINS'",
            _text("pins", f"{pins}.txt").rstrip("\n"),
            "PINS",
            MAKE_TOOL,
            f"{TOOL}/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes \\",
            f"  --only-binary :all: --requirement /tmp/{pins}.txt",
        ]
    )


@cache
def _text(folder: str, name: str) -> str:
    (root,) = builds.__path__
    return Path(root, folder, name).read_text(encoding="ascii")


def install_requirements() -> str:
    """Return the command that installs the source's `requirements.txt`: only wheels, each with a matching hash.

    pip obeys options in this file, such as `--no-binary`, which run code of a package. So only a check that runs the
    application may use this command.
    """
    return "\n".join(
        [
            MAKE_TOOL,
            "if [ -f requirements.txt ]; then",
            f"  {TOOL}/bin/pip install --quiet --disable-pip-version-check \\",
            "    --no-deps --require-hashes --only-binary :all: --requirement requirements.txt",
            "fi",
        ]
    )


def describe_requirements(*secrets: str) -> str:
    """Return the command that puts the metadata of the packages in `requirements.txt` into a virtual environment.

    No code of a package can run there, because only the `.dist-info` folder of each wheel is copied. `secrets` are the
    names of environment variables that pip does not get.
    """
    without = " ".join(f"--unset={name}" for name in secrets)
    return "\n".join(
        [
            write_script("pinned_requirements.py"),
            f"python3 -I -m venv --without-pip {DESCRIBED}",
            "if [ -f requirements.txt ]; then",
            f"  {TOOL}/bin/python3 -I /tmp/pinned_requirements.py requirements.txt > /tmp/requirements.txt",
            f"  env {without} {TOOL}/bin/pip install --quiet --disable-pip-version-check --target /tmp/wheels \\",
            "    --no-deps --require-hashes --only-binary :all: --requirement /tmp/requirements.txt",
            f"  folder=$({DESCRIBED}/bin/python3 -I -c 'import sysconfig; print(sysconfig.get_path(\"purelib\"))')",
            '  find /tmp/wheels -maxdepth 1 -name "*.dist-info" -exec cp -R {} "$folder" \\;',
            "fi",
        ]
    )


def list_dependencies(name: str) -> str:
    """Return the command that copies the requirements files whose paths match `name` to a folder for a scanner.

    In this folder, no other file of the source can influence the scanner. Dependencies that the scanner cannot see are
    listed in `$NOT_READ`.
    """
    return "\n".join(
        [
            write_script("packaged_archives.py"),
            write_script("dependencies.py"),
            f"rm -rf {JUDGED}",
            f"{TOOL}/bin/python3 -I /tmp/packaged_archives.py . > {ARCHIVES}",
            f"{TOOL}/bin/python3 -I /tmp/dependencies.py . {JUDGED} '{name}' < {ARCHIVES} > \"$NOT_READ\"",
        ]
    )


GET_SNYK = f"""\
python3 -I - <<'GET'
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
        tools=(install_pins("pytest"),),
        install=(install_requirements(),),
        version=f"{TOOL}/bin/pytest --version",
        commands=(f'{TOOL}/bin/python3 -m pytest -q -p no:cacheprovider --junitxml="$REPORT"',),
        format="junit",
        tool="pytest",
    )


def _bandit() -> ReleaseCheck:
    return ReleaseCheck(
        name="bandit",
        image=PYTHON_IMAGE,
        tools=(install_pins("bandit"),),
        version=f"{TOOL}/bin/bandit --version",
        commands=(
            # Bandit skips every path that contains a text of --exclude; the default would skip folders such as .git.
            "printf '[bandit]\\n' > /tmp/bandit.ini\n"
            f"{TOOL}/bin/bandit --quiet --recursive . --exclude '' --ini /tmp/bandit.ini --ignore-nosec \\\n"
            '  --format json --output "$REPORT"',
        ),
        format="bandit",
        runs_application=False,
    )


def _pip_audit() -> ReleaseCheck:
    return ReleaseCheck(
        name="pip-audit",
        image=PYTHON_IMAGE,
        tools=(install_pins("pip-audit"),),
        version=f"{TOOL}/bin/pip-audit --version",
        commands=(
            # Without a file, pip-audit would audit its own environment. The gate refuses a report without packages.
            f"{list_dependencies('*requirements*.txt')}\ncd {JUDGED}\ntouch requirements.txt\n"
            f"{TOOL}/bin/pip-audit --progress-spinner off --disable-pip --no-deps --format json \\\n"
            "  $(printf ' --requirement %s' *requirements.txt) > \"$REPORT\"",
        ),
        format="pip-audit",
        runs_application=False,
    )


def _safety() -> ReleaseCheck:
    return ReleaseCheck(
        name="safety",
        image=PYTHON_IMAGE,
        tools=(install_pins("safety"),),
        version=f"{TOOL}/bin/safety --version",
        commands=(
            f"{list_dependencies('*requirements*.txt')}\ncd {JUDGED}\n"
            f'{TOOL}/bin/safety --stage cicd scan --target . --output json > "$REPORT"',
        ),
        format="safety",
        secrets=PRESET_SECRETS["safety"],
        runs_application=False,
    )


def _snyk() -> ReleaseCheck:
    return ReleaseCheck(
        name="snyk",
        image=PYTHON_IMAGE,
        tools=(MAKE_TOOL, GET_SNYK),
        install=(describe_requirements("SNYK_TOKEN"),),
        version=f"{TOOL}/bin/snyk --version",
        commands=(
            f"{list_dependencies('requirements.txt')}\ncd {JUDGED}\n"
            f"{TOOL}/bin/snyk test --file=requirements.txt --package-manager=pip --command={DESCRIBED}/bin/python3 \\\n"
            '  --ignore-policy --json-file-output="$REPORT"',
        ),
        format="snyk",
        secrets=PRESET_SECRETS["snyk"],
        runs_application=False,
    )


# These filters of detect-secrets are disabled, because they let a file name, a comment or the shape of a line hide a
# secret. The script also disables the filter by file extension. The remaining filters prevent false alarms: they look
# at the candidate itself (template, reference to a variable, sequence, no letter).
DISABLED_FILTERS = (
    "detect_secrets.filters.allowlist.is_line_allowlisted",
    "detect_secrets.filters.heuristic.is_indirect_reference",
    "detect_secrets.filters.heuristic.is_likely_id_string",
    "detect_secrets.filters.heuristic.is_lock_file",
    "detect_secrets.filters.heuristic.is_potential_uuid",
    "detect_secrets.filters.heuristic.is_swagger_file",
)


def _secrets() -> ReleaseCheck:
    options = " \\\n".join(f"  --disable-filter {name}" for name in DISABLED_FILTERS)
    return ReleaseCheck(
        name="secrets",
        image=PYTHON_IMAGE,
        tools=(install_pins("detect-secrets"),),
        version=f"{TOOL}/bin/detect-secrets --version",
        commands=(
            f"{write_script('scan_secrets.py')}\n"
            "rm -rf /tmp/plain\n"
            f'{TOOL}/bin/python3 -I /tmp/scan_secrets.py . /tmp/plain \\\n{options} > "$REPORT"',
        ),
        format="detect-secrets",
        runs_application=False,
    )


PRESETS: Mapping[Preset, Callable[[], ReleaseCheck]] = {
    "bandit": _bandit,
    "pip-audit": _pip_audit,
    "safety": _safety,
    "secrets": _secrets,
    "snyk": _snyk,
    "unit-tests": _unit_tests,
}
