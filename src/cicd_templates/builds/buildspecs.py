"""Returns build specifications: the commands of each CodeBuild project, as text.

Build specifications are in the template, not in the source, so the application cannot change its own pipeline. Values
that differ between runs are environment variables, because CloudFormation inserts no values into these texts.
https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
"""

from __future__ import annotations

from typing import Any

from cicd_templates.builds.build_scripts import write_script
from cicd_templates.builds.check_commands import TOOL, install_pins
from cicd_templates.builds.release_check import ReleaseCheck
from cicd_templates.builds.source import DIGEST_FILE, NO_GIT, compute_digest, require_judged_source, service_folder
from cicd_templates.config.environment import Service
from cicd_templates.functions.evidence_format import SCAN_POLICY
from cicd_templates.template import cloudformation_yaml

RUN_RECORD = "run.json"
REPORT = "report"
RESULTS = "results"
# A check writes to FOLDER. The build then moves this folder to HANDED_ON in the source, where CodeBuild collects it.
FOLDER = "/tmp/report"  # noqa: S108 - in the container of one build
HANDED_ON = ".report"
# The commands of a check may write a JSON list to this file: the dependencies that the check cannot read.
NOT_READ = "/tmp/not_read.json"  # noqa: S108 - as above

# The cache of pip's downloads. Each project has its own cache, because pip does not compare the hashes of wheels that
# it takes from a cache. Code of the application runs in the unit tests, and could write to their cache.
PIP_CACHE = "/root/.cache/pip/**/*"
PYTHON = f"{TOOL}/bin/python3 -I"
TOOL_PATH = 'export PATH="/tmp/tool/bin:$PATH"'


def check(service: Service, release_check: ReleaseCheck) -> str:
    """Return the build specification that runs a check and passes its report and its run record to the scan gate.

    The build succeeds even if the check has findings, because only the gate decides about a release.
    """
    extension = "xml" if release_check.format == "junit" else "json"
    specification: dict[str, Any] = {
        "version": 0.2,
        "phases": {
            "install": {
                "commands": [
                    _prepare(service),
                    *(_outside(command) for command in release_check.tools),
                    *(_in_source(service, command) for command in release_check.install),
                ]
            },
            "build": {"commands": [_recorded_run(service, release_check, extension)]},
        },
        "artifacts": {"base-directory": HANDED_ON, "files": ["**/*"]},
        "cache": {"paths": [PIP_CACHE]},
    }
    if release_check.format == "junit":
        # This key is the end of the report group's name, which is `<project>-results`.
        specification["reports"] = {
            RESULTS: {"base-directory": HANDED_ON, "files": [f"{REPORT}.{extension}"], "file-format": "JUNITXML"}
        }
    return cloudformation_yaml.dump(specification)


def _prepare(service: Service) -> str:
    """Return the command that prepares a check. It runs before any code of the application.

    The command computes the digest of the source, copies the application's gate policy, and creates the report folder.
    This folder is outside the source. So the source cannot replace a report, and tools that scan the source do not scan
    the reports.
    """
    policy = f"{service_folder(service)}/{SCAN_POLICY}"
    return f"""\
(
set -e
{compute_digest(service)}
rm -rf {FOLDER}
mkdir {FOLDER}
if [ -f "{policy}" ]; then cp "{policy}" {FOLDER}/; fi
)
"""


def _outside(command: str) -> str:
    """Return shell text that runs `command` in `/`, outside the source, and stops at the first failure."""
    return f"(\nset -e\ncd /\n{command}\n)\n"


def _in_source(service: Service, command: str) -> str:
    """Return shell text that runs `command` in the service's folder and stops at the first failure.

    The text uses a subshell, so that the next command starts in the original folder. Do not join the text with other
    commands by `&&` or `||`, because the shell would then ignore `set -e`.
    """
    return f'(\nset -e\ncd "{service_folder(service)}"\n{command}\n)\n'


def _recorded_run(service: Service, release_check: ReleaseCheck, extension: str) -> str:
    commands = "\n".join(release_check.commands)
    paths = TOOL_PATH if release_check.runs_application else f"{TOOL_PATH}\n{NO_GIT}"
    return f"""\
{paths}
export REPORT="{FOLDER}/{REPORT}.{extension}"
export NOT_READ={NOT_READ}
echo '[]' > {NOT_READ}
started=$(date -u +%Y-%m-%dT%H:%M:%SZ)
tool_version=$(cd / && {release_check.version} 2>/dev/null | head -n 1 | tr -cd 'A-Za-z0-9._+ -')
{_in_source(service, commands)}exit_code=$?
finished=$(date -u +%Y-%m-%dT%H:%M:%SZ)
cat > {FOLDER}/{RUN_RECORD} <<RECORD
{{
  "check": "{release_check.name}",
  "format": "{release_check.format}",
  "report": "{REPORT}.{extension}",
  "tool_version": "$tool_version",
  "exit_code": $exit_code,
  "source_version": "$SOURCE_VERSION",
  "source_digest": "$(cat {DIGEST_FILE})",
  "not_read": $(cat {NOT_READ}),
  "execution": "$EXECUTION_ID",
  "build": "$CODEBUILD_BUILD_ID",
  "started": "$started",
  "finished": "$finished"
}}
RECORD
cat {FOLDER}/{RUN_RECORD}
rm -rf "$CODEBUILD_SRC_DIR/{HANDED_ON}"
mv {FOLDER} "$CODEBUILD_SRC_DIR/{HANDED_ON}"
"""


def bill_of_materials(service: Service) -> str:
    """Return the build specification that stores the service's CycloneDX bill of materials in the evidence bucket."""
    commands = "\n".join(service.settings.build.sbom)
    write = f"{TOOL_PATH}\n{NO_GIT}\nexport SBOM=/tmp/sbom.cdx.json\n{_in_source(service, commands)}"
    put = f"{PYTHON} /tmp/put_evidence.py /tmp/sbom.cdx.json sbom.cdx.json"
    tools = [install_pins("cyclonedx"), install_pins("aws"), write_script("put_evidence.py")]
    judged = f"(\nset -e\n{require_judged_source(service)}\n)\n"
    return _specification([judged, *map(_outside, tools)], [write, _outside(put)], cached=True)


def image_scan() -> str:
    """Return the build specification that waits for the image scan, and fails if the scan blocks the release.

    The build stores the result of the scan as evidence, whether or not the scan blocks the release.
    """
    judge = f"""\
{PYTHON} /tmp/image_scan.py /tmp/image-scan.json
passed=$?
{PYTHON} /tmp/put_evidence.py /tmp/image-scan.json "${{EVIDENCE_NAME:-image-scan.json}}" && [ "$passed" = 0 ]
"""
    tools = [install_pins("aws"), write_script("image_scan.py"), write_script("put_evidence.py")]
    return _specification([_outside(tool) for tool in tools], [judge])


def smoke_test(service: Service) -> str:
    """Return the build specification that runs the smoke and integration tests on the deployed release."""
    tests = [service.settings.smoke, service.settings.integration]
    return _specification([], [_in_source(service, "\n".join(commands)) for commands in tests if commands])


def _specification(install: list[str], build: list[str], *, cached: bool = False) -> str:
    phases = {"install": {"commands": install}} if install else {}
    specification: dict[str, Any] = {"version": 0.2, "phases": {**phases, "build": {"commands": build}}}
    if cached:
        specification["cache"] = {"paths": [PIP_CACHE]}
    return cloudformation_yaml.dump(specification)
