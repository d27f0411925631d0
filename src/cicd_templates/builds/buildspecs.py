"""Build specifications: the commands of each CodeBuild project, as text.

They are part of the template and not of the source, so a change of the application cannot change its own pipeline.
Values that differ from run to run are environment variables, because CloudFormation substitutes nothing in these texts.
https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
"""

from __future__ import annotations

from typing import Any

from cicd_templates.builds.release_checks import TOOL, ReleaseCheck, install_pins, write_script
from cicd_templates.config.environment import Service
from cicd_templates.functions.scan_gate.policy import POLICY
from cicd_templates.template import cloudformation_yaml

RUN_RECORD = "run.json"
REPORT = "report"
IMAGE_URI = "IMAGE_URI"
IMAGE_DIGEST = "IMAGE_DIGEST"
RESULTS = "results"
# The folder to which a check writes, and the folder in the source to which it is moved for CodeBuild to collect.
FOLDER = "/tmp/report"  # noqa: S108 - in the container of one build
HANDED_ON = ".report"
# The folder in which the image build unpacks the source version that the gate judged.
UNPACKED = "/tmp/source"  # noqa: S108 - as above

# The cache of pip's downloads, which the projects of a service share. pip uses a cached file only if its hash is right.
PIP_CACHE = "/root/.cache/pip/**/*"
PYTHON = f"{TOOL}/bin/python3 -I"
# Some tools call git in the source, and the configuration of a git repository can name programs that git then runs.
NO_GIT = "export GIT_DIR=/dev/null"
TOOL_PATH = 'export PATH="/tmp/tool/bin:$PATH"'


def check(service: Service, release_check: ReleaseCheck) -> str:
    """Return the specification that runs a check and passes its report and a record of the run to the gate.

    The build succeeds whatever the check finds, because only the gate decides about a release.
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
        # This key is the part of the report group's name, `<project>-results`, that follows the name of the project.
        specification["reports"] = {
            RESULTS: {"base-directory": HANDED_ON, "files": [f"{REPORT}.{extension}"], "file-format": "JUNITXML"}
        }
    return cloudformation_yaml.dump(specification)


def _prepare(service: Service) -> str:
    """Return the command that prepares a check.

    It refuses a source whose symbolic links lead out of it. It copies the application's gate policy before code of the
    application can run. It creates the report folder outside the source. There, no file of the source can replace a
    report, and no tool has to exclude a folder.
    """
    return f"""\
(
set -e
{_refuse_outward_links("$CODEBUILD_SRC_DIR")}
rm -rf {FOLDER}
mkdir {FOLDER}
if [ -f "{_folder(service)}/{POLICY}" ]; then cp "{_folder(service)}/{POLICY}" {FOLDER}/; fi
)
"""


def _refuse_outward_links(folder: str) -> str:
    """Return commands that fail if a symbolic link in `folder` leads out of the folder.

    A tool that follows such a link could copy a file of the build container, such as its environment, into a report.
    """
    return f"""\
source=$(readlink -f "{folder}")
outward=$(find "$source" -type l -exec sh -c \\
  'for link; do case "$(readlink -m "$link")" in "$0" | "$0"/*) ;; *) echo "$link" ;; esac; done' "$source" {{}} +)
if [ -n "$outward" ]; then echo "error: these links lead out of the source: $outward"; exit 1; fi"""


def _outside(command: str) -> str:
    """Return `command`, changed to run outside the source and to stop at its first failure."""
    return f"(\nset -e\ncd /\n{command}\n)\n"


def _in_source(service: Service, command: str) -> str:
    """Return `command`, changed to run in the service's folder and to stop at its first failure.

    The command runs in a subshell, so that a later command starts in the original folder. Do not join the result with
    `&&` or `||`, because a shell ignores `set -e` there.
    """
    return f'(\nset -e\ncd "{_folder(service)}"\n{command}\n)\n'


def _recorded_run(service: Service, release_check: ReleaseCheck, extension: str) -> str:
    commands = "\n".join(release_check.commands)
    paths = TOOL_PATH if release_check.runs_application else f"{TOOL_PATH}\n{NO_GIT}"
    return f"""\
{paths}
export REPORT="{FOLDER}/{REPORT}.{extension}"
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


def _folder(service: Service) -> str:
    """Return the service's folder in the build: the whole source, or `path` within it.

    `make release` packs only the service's folder, but a connection delivers the whole repository.
    """
    whole = service.settings.source == "s3" or not service.settings.path
    return "$CODEBUILD_SRC_DIR" if whole else f"$CODEBUILD_SRC_DIR/{service.settings.path}"


def image(service: Service) -> str:
    """Return the specification that builds and pushes the image of a source version and records its provenance.

    An image is built only once: a repeated run finds it in the registry.
    """
    settings = service.settings.build
    build = f"""\
(
set -euo pipefail
{_pinned_source(service)}
tag="v-$(printf '%s' "$SOURCE_VERSION" | tr -c 'A-Za-z0-9._-' '-' | cut -c 1-120)"
find_digest() {{
  aws ecr describe-images --repository-name "$REPOSITORY" --image-ids "imageTag=$tag" \\
    --query 'imageDetails[0].imageDigest' --output text
}}
# A source version is built once: a repeated run takes the image that is there.
if ! find_digest > /tmp/digest 2> /tmp/reason; then
  grep -q ImageNotFoundException /tmp/reason || {{ cat /tmp/reason; exit 1; }}
  # An index with attestations would be what the tag names, and the registry does not scan an index.
  export BUILDX_NO_DEFAULT_ATTESTATIONS=1
  aws ecr get-login-password | docker login --username AWS --password-stdin "${{REPOSITORY_URI%%/*}}"
  docker build --pull --file "{settings.dockerfile}" --tag "$REPOSITORY_URI:$tag" \\
    --label "org.opencontainers.image.revision=$SOURCE_VERSION" "{settings.context}"
  docker push "$REPOSITORY_URI:$tag"
  find_digest > /tmp/digest
fi
)
"""
    export = f"""\
export {IMAGE_DIGEST}="$(cat /tmp/digest)"
export {IMAGE_URI}="$REPOSITORY_URI@${IMAGE_DIGEST}"
"""
    provenance = f"""\
(
set -euo pipefail
cat > /tmp/provenance.json <<PROVENANCE
{{
  "_type": "https://in-toto.io/Statement/v1",
  "subject": [{{"name": "$REPOSITORY_URI", "digest": {{"sha256": "${{{IMAGE_DIGEST}#sha256:}}"}}}}],
  "predicateType": "https://slsa.dev/provenance/v1",
  "predicate": {{
    "buildDefinition": {{
      "buildType": "urn:cicd-templates:image:1",
      "externalParameters": {{"service": "$SERVICE", "sourceVersion": "$SOURCE_VERSION"}},
      "internalParameters": {{"buildspecSha256": "$BUILDSPEC_SHA256", "templatesVersion": "$TEMPLATES_VERSION"}}
    }},
    "runDetails": {{
      "builder": {{"id": "$CODEBUILD_BUILD_ARN"}},
      "metadata": {{"invocationId": "$EXECUTION_ID", "finishedOn": "$(date -u +%Y-%m-%dT%H:%M:%SZ)"}}
    }}
  }}
}}
PROVENANCE
# Nothing is replaced: a further attempt of this run puts its own statement under the next number.
for number in "" -2 -3 -4 -5 -6 -7 -8 -9; do
  if aws s3api put-object --bucket "$EVIDENCE_BUCKET" --key "$SERVICE/$EXECUTION_ID/provenance$number.json" \\
    --body /tmp/provenance.json --if-none-match '*' > /tmp/put 2>&1; then exit 0; fi
  grep -q PreconditionFailed /tmp/put || break
done
cat /tmp/put
exit 1
)
"""
    specification = {
        "version": 0.2,
        "env": {"shell": "bash", "exported-variables": [IMAGE_URI, IMAGE_DIGEST]},
        "phases": {"build": {"commands": [build, export, provenance]}},
    }
    return cloudformation_yaml.dump(specification)


def _pinned_source(service: Service) -> str:
    """Return the command that changes to the folder with exactly the source version that the gate judged.

    A check can run the application's code and may write artifacts, so it could have replaced the source artifact. It
    cannot write to the source bucket, so the source is read from there. The source of a connection exists only as an
    artifact.
    """
    if service.settings.source == "github":
        return f'{_refuse_outward_links("$CODEBUILD_SRC_DIR")}\ncd "{_folder(service)}"'
    return f"""\
aws s3api get-object --bucket "$SOURCE_BUCKET" --key "$SOURCE_OBJECT" --version-id "$SOURCE_VERSION" \\
  /tmp/source.zip > /dev/null
unzip -q /tmp/source.zip -d {UNPACKED}
{_refuse_outward_links(UNPACKED)}
cd {UNPACKED}"""


def bill_of_materials(service: Service) -> str:
    """Return the specification that adds a CycloneDX bill of materials of the service to the evidence bucket."""
    commands = "\n".join(service.settings.build.sbom)
    write = f"{TOOL_PATH}\nexport SBOM=/tmp/sbom.cdx.json\n{_in_source(service, commands)}"
    put = f"{PYTHON} /tmp/put_evidence.py /tmp/sbom.cdx.json sbom.cdx.json"
    tools = [install_pins("cyclonedx"), install_pins("aws"), write_script("put_evidence")]
    return _specification([_prepare(service), *map(_outside, tools)], [write, _outside(put)], cached=True)


def image_scan() -> str:
    """Return the specification that waits for the registry's image scan, records its result and fails on findings."""
    judge = f"""\
{PYTHON} /tmp/image_scan.py /tmp/image-scan.json
passed=$?
{PYTHON} /tmp/put_evidence.py /tmp/image-scan.json "${{EVIDENCE_NAME:-image-scan.json}}" && [ "$passed" = 0 ]
"""
    tools = [install_pins("aws"), write_script("image_scan"), write_script("put_evidence")]
    return _specification([_outside(tool) for tool in tools], [judge])


def smoke_test(service: Service) -> str:
    """Return the specification that tests the deployed release from outside: smoke tests, then integration tests."""
    tests = [service.settings.smoke, service.settings.integration]
    return _specification([], [_in_source(service, "\n".join(commands)) for commands in tests if commands])


def _specification(install: list[str], build: list[str], *, cached: bool = False) -> str:
    phases = {"install": {"commands": install}} if install else {}
    specification: dict[str, Any] = {"version": 0.2, "phases": {**phases, "build": {"commands": build}}}
    if cached:
        specification["cache"] = {"paths": [PIP_CACHE]}
    return cloudformation_yaml.dump(specification)
