"""Build specifications as text: what each CodeBuild project runs.

They stand in the template and not in the source, so that a changed application cannot rewrite its own pipeline. All
that differs from run to run comes in variables: nothing in these texts is substituted by CloudFormation.
https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
"""

from __future__ import annotations

from typing import Any

from cicd_templates.builds.presets import Check, installed, written
from cicd_templates.config.environment import Service
from cicd_templates.functions.scan_gate.policy import POLICY
from cicd_templates.template import cloudformation_yaml

RUN_RECORD = "run.json"
REPORT = "report"
IMAGE_URI = "IMAGE_URI"
IMAGE_DIGEST = "IMAGE_DIGEST"
RESULTS = "results"

# pip's downloads, shared by the projects of a service; what is in them is used only where its hash is right.
PIP_CACHE = "/root/.cache/pip/**/*"
TOOL_PATH = 'export PATH="/tmp/tool/bin:$PATH"'


def check(service: Service, of: Check) -> str:
    """Runs one check, whatever it finds, and hands on its report beside a record of the run."""
    extension = "xml" if of.format == "junit" else "json"
    specification: dict[str, Any] = {
        "version": 0.2,
        "phases": {
            "install": {"commands": [_policy(service), *(_in_source(service, install) for install in of.install)]},
            "build": {"commands": [_recorded(service, of, extension)]},
        },
        "artifacts": {"base-directory": ".report", "files": ["**/*"]},
        "cache": {"paths": [PIP_CACHE]},
    }
    if of.format == "junit":
        # A report group of the name `<project>-results` is found by the part after the project's name.
        specification["reports"] = {
            RESULTS: {"base-directory": ".report", "files": [f"{REPORT}.{extension}"], "file-format": "JUNITXML"}
        }
    return cloudformation_yaml.dump(specification)


def _policy(service: Service) -> str:
    """Takes the policy of the source for the gate before anything of the application runs, which might change it.

    A report that lies in the source itself is removed: beside a tool that fails it would pass for that tool's own.
    """
    return f"""\
rm -rf "$CODEBUILD_SRC_DIR/.report"
mkdir "$CODEBUILD_SRC_DIR/.report"
if [ -f "{_folder(service)}/{POLICY}" ]; then cp "{_folder(service)}/{POLICY}" "$CODEBUILD_SRC_DIR/.report/"; fi
"""


def _in_source(service: Service, command: str) -> str:
    """`command` in the service's folder, ended by its first failure.

    In a subshell, so that the next one begins where this one did. It must stand alone: within `&&` or `||` a shell
    ignores `set -e`.
    """
    return f'(\nset -e\ncd "{_folder(service)}"\n{command}\n)\n'


def _recorded(service: Service, of: Check, extension: str) -> str:
    commands = "\n".join(of.commands)
    return f"""\
{TOOL_PATH}
export REPORT="$CODEBUILD_SRC_DIR/.report/{REPORT}.{extension}"
started=$(date -u +%Y-%m-%dT%H:%M:%SZ)
tool_version=$({of.version} 2>/dev/null | head -n 1 | tr -cd 'A-Za-z0-9._+ -')
{_in_source(service, commands)}exit_code=$?
finished=$(date -u +%Y-%m-%dT%H:%M:%SZ)
cat > "$CODEBUILD_SRC_DIR/.report/{RUN_RECORD}" <<RECORD
{{
  "check": "{of.name}",
  "format": "{of.format}",
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
cat "$CODEBUILD_SRC_DIR/.report/{RUN_RECORD}"
"""


def _folder(service: Service) -> str:
    """Where the service lies in its source: `make release` cuts a monorepo, a connection hands on all of it."""
    whole = service.settings.source == "s3" or not service.settings.path
    return "$CODEBUILD_SRC_DIR" if whole else f"$CODEBUILD_SRC_DIR/{service.settings.path}"


def image(service: Service) -> str:
    """Builds the image of a source version once, pushes it, notes its provenance, and hands on its digest."""
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
    """Goes to the source of just the version that was judged.

    An artifact could have been replaced by a check, which runs the application's own code with the right to hand on
    artifacts; the source bucket none of them can write to. A connection's source is in the artifact alone.
    """
    if service.settings.source == "github":
        return f'cd "{_folder(service)}"'
    return """\
aws s3api get-object --bucket "$SOURCE_BUCKET" --key "$SOURCE_OBJECT" --version-id "$SOURCE_VERSION" \\
  /tmp/source.zip > /dev/null
unzip -q /tmp/source.zip -d /tmp/source
cd /tmp/source"""


def bill_of_materials(service: Service) -> str:
    """Writes what the service is made of, as CycloneDX, into the evidence."""
    commands = "\n".join(service.settings.build.sbom)
    write = f"{TOOL_PATH}\nexport SBOM=/tmp/sbom.cdx.json\n{_in_source(service, commands)}"
    put = [written("put_evidence"), "python3 /tmp/put_evidence.py /tmp/sbom.cdx.json sbom.cdx.json"]
    return _scripted([installed("cyclonedx"), installed("aws")], [write, *put], cached=True)


def image_scan() -> str:
    """Waits for the registry's scan of the image, puts it into the evidence, and fails for what must not pass."""
    judge = f"""\
{TOOL_PATH}
python3 /tmp/image_scan.py /tmp/image-scan.json
passed=$?
python3 /tmp/put_evidence.py /tmp/image-scan.json "${{EVIDENCE_NAME:-image-scan.json}}" && [ "$passed" = 0 ]
"""
    return _scripted([installed("aws")], [written("image_scan"), written("put_evidence"), judge])


def smoke_test(service: Service) -> str:
    """Tests the deployed release from outside, with the source's own commands: whether it answers, then integration."""
    tests = [service.settings.smoke, service.settings.integration]
    return _scripted([], [_in_source(service, "\n".join(commands)) for commands in tests if commands])


def _scripted(install: list[str], build: list[str], *, cached: bool = False) -> str:
    phases = {"install": {"commands": install}} if install else {}
    specification: dict[str, Any] = {"version": 0.2, "phases": {**phases, "build": {"commands": build}}}
    if cached:
        specification["cache"] = {"paths": [PIP_CACHE]}
    return cloudformation_yaml.dump(specification)
