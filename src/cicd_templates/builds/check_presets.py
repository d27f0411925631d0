"""Defines presets: predefined checks, each for one tool. `pins/` has the version and hash of each tool.

The source is treated as hostile:

- No file or comment in the source can switch a preset off. Either the preset's command overrides the file or comment,
  or the gate counts the suppressed findings.
- Tools are installed outside the source and started by their absolute path.
- Python starts in isolated mode (`-I`), so that it cannot load a file of the source instead of a standard module with
  the same name.
- A check runs code of the application only if the check is configured to do so. Such a check gets no secret.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

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
from cicd_templates.builds.release_check import PYTHON_IMAGE, ReleaseCheck
from cicd_templates.config.tables.checks import PRESET_SECRETS, RUNS_APPLICATION, Preset

# The checksum of the Linux program, which Snyk publishes in its npm package of this version.
SNYK_VERSION = "1.1307.4"
SNYK_SHA256 = "b0baee4fa4d7d11b7df927a1046cf8137a8a89fafac8101a45c3c0e0777ddc35"
GET_SNYK = f"""\
python3 -I - <<'GET'
import hashlib, os, urllib.request
url = "https://downloads.snyk.io/cli/v{SNYK_VERSION}/snyk-linux"
with urllib.request.urlopen(url, timeout=120) as answer:
    program = answer.read()
if hashlib.sha256(program).hexdigest() != "{SNYK_SHA256}":
    raise SystemExit("the downloaded snyk does not have the checksum of its publisher")
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
        runs_application=RUNS_APPLICATION["unit-tests"],
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
            f"{write_script('bandit_failures.py')}\ncode=0\n"
            f"{TOOL}/bin/bandit --quiet --recursive . --exclude '' --ini /tmp/bandit.ini --ignore-nosec \\\n"
            '  --format json --output "$REPORT" 2> /tmp/bandit.log || code=$?\n'
            # If one of Bandit's tests raises an exception, Bandit only logs the exception.
            "cat /tmp/bandit.log >&2\n"
            f'{TOOL}/bin/python3 -I /tmp/bandit_failures.py . /tmp/bandit.log > "$NOT_READ"\n'
            "exit $code",
        ),
        format="bandit",
        runs_application=RUNS_APPLICATION["bandit"],
    )


def _pip_audit() -> ReleaseCheck:
    return ReleaseCheck(
        name="pip-audit",
        image=PYTHON_IMAGE,
        tools=(install_pins("pip-audit"),),
        version=f"{TOOL}/bin/pip-audit --version",
        commands=(
            # Without a requirements file, pip-audit would audit its own environment. The gate refuses a report without
            # packages.
            f"{list_dependencies('*requirements*.txt')}\ncd {JUDGED}\ntouch requirements.txt\n"
            f"{TOOL}/bin/pip-audit --progress-spinner off --disable-pip --no-deps --format json \\\n"
            "  $(printf ' --requirement %s' *requirements.txt) > \"$REPORT\"",
        ),
        format="pip-audit",
        runs_application=RUNS_APPLICATION["pip-audit"],
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
        runs_application=RUNS_APPLICATION["safety"],
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
        runs_application=RUNS_APPLICATION["snyk"],
    )


# These filters of detect-secrets are disabled, because they ignore a secret if the file name, a comment or the shape of
# the line matches. The script also disables the filter by file extension. The remaining filters prevent false alarms:
# they look only at the candidate itself, and ignore templates, references to variables, sequences and texts without
# letters.
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
        runs_application=RUNS_APPLICATION["secrets"],
    )


def _semgrep() -> ReleaseCheck:
    return ReleaseCheck(
        name="semgrep",
        image=PYTHON_IMAGE,
        tools=(install_pins("semgrep"), write_pins("semgrep.yaml"), write_script("semgrep_lines.py")),
        version=f"{TOOL}/bin/semgrep --version",
        commands=(
            # The rules are local, and Semgrep sends nothing. No comment, .semgrepignore or .gitignore can hide a file.
            f"{TOOL}/bin/semgrep scan --config /tmp/semgrep.yaml --metrics off --disable-version-check --quiet \\\n"
            "  --disable-nosem --no-git-ignore --x-ignore-semgrepignore-files --max-target-bytes 0 --timeout 60 \\\n"
            '  --no-rewrite-rule-ids --json . > "$REPORT"\n'
            f'{TOOL}/bin/python3 -I /tmp/semgrep_lines.py "$REPORT"',
        ),
        format="semgrep",
        runs_application=RUNS_APPLICATION["semgrep"],
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
        runs_application=RUNS_APPLICATION["node-tests"],
    )


def _npm_audit() -> ReleaseCheck:
    return ReleaseCheck(
        name="npm-audit",
        image=PYTHON_IMAGE,
        tools=(install_pins("node"), write_script("npm_lock.py")),
        version=f"{TOOL}/bin/npm --version",
        commands=(
            # npm runs in a separate folder, so that no .npmrc and no other file of the source can influence it.
            f"rm -rf {JUDGED}\n"
            f"registry=$(cd / && {TOOL}/bin/npm config get registry --userconfig=/dev/null)\n"
            f'{TOOL}/bin/python3 -I /tmp/npm_lock.py . {JUDGED} "$registry" > "$NOT_READ"\n'
            f"cd {JUDGED}\n"
            f"{TOOL}/bin/npm audit --json --package-lock-only --ignore-scripts --include=dev --include=optional \\\n"
            '  --include=peer --userconfig=/dev/null > "$REPORT"',
        ),
        format="npm-audit",
        runs_application=RUNS_APPLICATION["npm-audit"],
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
