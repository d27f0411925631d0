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

from cicd_templates.builds.build_scripts import write_script
from cicd_templates.builds.check_commands import (
    DESCRIBED,
    JUDGED,
    MAKE_TOOL,
    TOOL,
    describe_requirements,
    install_locked_packages,
    install_pins,
    install_requirements,
    list_dependencies,
    write_pins,
)
from cicd_templates.config.environment import Service
from cicd_templates.config.tables.checks import PRESET_SECRETS, CheckTable, Preset, ReportFormat
from cicd_templates.config.tables.service import BOOTSTRAP_IMAGE

# A small public image with Python on Debian. A new service runs the same image before its first release.
PYTHON_IMAGE = BOOTSTRAP_IMAGE
TIMEOUT_MINUTES = 10
# The checksum of the Linux program, which Snyk publishes in its npm package of this version.
SNYK_VERSION = "1.1307.4"
SNYK_SHA256 = "b0baee4fa4d7d11b7df927a1046cf8137a8a89fafac8101a45c3c0e0777ddc35"


@dataclass(frozen=True)
class ReleaseCheck:
    """A tool that examines the source and writes a report to `$REPORT`.

    Its exit code is recorded, but does not decide about the release. The commands in `tools` run first, outside the
    source. Then `install` and `commands` run in the service's folder. `runs_application` is false only if the tool is
    known to run no code of the application or its packages. `tool` is the tool's name. If many tools write reports of
    the same format, the gate requires this name in the report.
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
    """Return the checks of a service in the order of its configuration, completed with the values of presets."""
    return [_check(name, table) for name, table in service.settings.checks.items()]


def _check(name: str, table: CheckTable) -> ReleaseCheck:
    """Return the check that `table` configures. Its preset supplies the values that the table leaves out.

    Validation ensures that a table without a preset has all required values.
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

    If the table does not say so, the answer is yes for a check with commands of the user. Otherwise, the preset
    decides.
    """
    if table.runs_application is not None:
        return table.runs_application
    return preset is None or preset.runs_application or table.has_own_commands


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


def _semgrep() -> ReleaseCheck:
    return ReleaseCheck(
        name="semgrep",
        image=PYTHON_IMAGE,
        tools=(install_pins("semgrep"), write_pins("semgrep.yaml"), write_script("semgrep_lines.py")),
        version=f"{TOOL}/bin/semgrep --version",
        commands=(
            # The rules are local and nothing is sent. No comment and no .semgrepignore or .gitignore hides a file.
            f"{TOOL}/bin/semgrep scan --config /tmp/semgrep.yaml --metrics off --disable-version-check --quiet \\\n"
            "  --disable-nosem --no-git-ignore --x-ignore-semgrepignore-files --max-target-bytes 0 --timeout 60 \\\n"
            '  --no-rewrite-rule-ids --json . > "$REPORT"\n'
            f'{TOOL}/bin/python3 -I /tmp/semgrep_lines.py "$REPORT"',
        ),
        format="semgrep",
        runs_application=False,
    )


def _node_tests() -> ReleaseCheck:
    return ReleaseCheck(
        name="node-tests",
        image=PYTHON_IMAGE,
        tools=(install_pins("node"),),
        install=(install_locked_packages(),),
        version="node --version",
        commands=('node --test --test-reporter=junit --test-reporter-destination="$REPORT"',),
        format="junit",
        tool="node",
    )


def _npm_audit() -> ReleaseCheck:
    return ReleaseCheck(
        name="npm-audit",
        image=PYTHON_IMAGE,
        tools=(install_pins("node"), write_script("npm_lock.py")),
        version=f"{TOOL}/bin/npm --version",
        commands=(
            # In a separate folder, no .npmrc and no other file of the source can influence npm.
            f"rm -rf {JUDGED}\n"
            f"registry=$(cd / && {TOOL}/bin/npm config get registry --userconfig=/dev/null)\n"
            f'{TOOL}/bin/python3 -I /tmp/npm_lock.py . {JUDGED} "$registry" > "$NOT_READ"\n'
            f"cd {JUDGED}\n"
            f"{TOOL}/bin/npm audit --json --package-lock-only --ignore-scripts --include=dev --include=optional \\\n"
            '  --include=peer --userconfig=/dev/null > "$REPORT"',
        ),
        format="npm-audit",
        runs_application=False,
    )


PRESETS: Mapping[Preset, Callable[[], ReleaseCheck]] = {
    "bandit": _bandit,
    "node-tests": _node_tests,
    "npm-audit": _npm_audit,
    "pip-audit": _pip_audit,
    "safety": _safety,
    "secrets": _secrets,
    "semgrep": _semgrep,
    "snyk": _snyk,
    "unit-tests": _unit_tests,
}
