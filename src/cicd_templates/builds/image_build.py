"""Builds a service's image, examines the packages in it, and stores evidence of its source and packages."""

from __future__ import annotations

import shlex

from cicd_templates.builds.build_scripts import write_script
from cicd_templates.builds.source import NO_GIT, SOURCE_DIGEST, require_judged_source, service_folder
from cicd_templates.config.environment import Service
from cicd_templates.template import cloudformation_yaml

IMAGE_URI = "IMAGE_URI"
# Starts Python in the CodeBuild image that has Docker. Python starts in `/`: in the source, pyenv would read a file
# that chooses the Python version.
ISOLATED_PYTHON = "cd / && python3 -I"
BASES = "/tmp/base_images"  # noqa: S108 - in the container of one build
PACKAGES = "/tmp/image-packages.cdx.json"  # noqa: S108 - as above
INSTRUCTIONS = "/tmp/instructions.json"  # noqa: S108 - as above
# The Dockerfile that Docker builds. In this file, commands that run code of the source have no network. Docker reads
# the `.dockerignore` file beside it.
DOCKERFILE = "/tmp/built/Dockerfile"  # noqa: S108 - as above
# The part of this Dockerfile that installs only packages in lock files, and the file with the names of its stages.
LOCKED_DOCKERFILE = "/tmp/built/Locked"  # noqa: S108 - as above
LOCKED_STAGES = "/tmp/locked_stages"  # noqa: S108 - as above
# The later commands run in the same shell. Without the second variable, `docker build` asks git for the commit of the
# build context, by `git show HEAD`.
IGNORE_GIT = f"{NO_GIT}\nexport BUILDX_GIT_INFO=0"
# A Python program that fails if an image has ONBUILD commands.
HAS_TRIGGERS = """\
import json, sys
sys.exit(any((image.get("Config") or {}).get("OnBuild") for image in json.load(sys.stdin)))"""


def image(service: Service) -> str:
    """Return the build specification that builds and pushes an image, and records its packages.

    If a pipeline run repeats the build, the build finds the image in the registry and only examines it again.
    """
    commands = [_build(service), _export(), _examine(service)]
    specification = {
        "version": 0.2,
        "env": {"shell": "bash", "exported-variables": [IMAGE_URI]},
        "phases": {"build": {"commands": commands}},
    }
    return cloudformation_yaml.dump(specification)


def _build(service: Service) -> str:
    """Return the command that checks the source and its Dockerfile, and builds the image if the registry does not have
    it yet.
    """
    settings = service.settings.build
    prefixes = " ".join(map(shlex.quote, settings.base_images))
    hosts = " ".join(map(shlex.quote, [service.name, *settings.indexes]))
    dockerfile = f'"{service_folder(service)}/{settings.dockerfile}"'
    arguments = [dockerfile, INSTRUCTIONS, f'"{service_folder(service)}/{settings.context}"', DOCKERFILE]
    arguments += map(shlex.quote, settings.downloads)
    cut = f"""\
({ISOLATED_PYTHON} /tmp/dockerfile_network.py {" ".join(arguments)}) > /tmp/closed.json
({ISOLATED_PYTHON} /tmp/locked_stages.py {DOCKERFILE} {INSTRUCTIONS} /tmp/closed.json {LOCKED_DOCKERFILE}) \\
  > {LOCKED_STAGES}"""
    if settings.unlocked_installs:
        cut = f"cp {dockerfile} {DOCKERFILE}"
    return f"""\
{IGNORE_GIT}
(
set -euo pipefail
{require_judged_source(service)}
{write_script("package_indexes.py")}
({ISOLATED_PYTHON} /tmp/package_indexes.py "{service_folder(service)}" {hosts})
{write_script("dockerfile.py")}
{write_script("dockerfile_network.py")}
{write_script("locked_stages.py")}
({ISOLATED_PYTHON} /tmp/dockerfile.py {dockerfile} {INSTRUCTIONS} {prefixes}) > {BASES}
# Docker runs the ONBUILD commands of a base image with a network, and the Dockerfile does not show them.
while read -r base; do
  if [ -n "$base" ]; then
    docker pull --quiet "$base" < /dev/null
    docker image inspect "$base" < /dev/null > /tmp/base.json
    if ! ({ISOLATED_PYTHON} -c '{HAS_TRIGGERS}') < /tmp/base.json; then
      echo "error: $base has ONBUILD commands, or cannot be inspected; take another image" >&2
      exit 1
    fi
  fi
done < {BASES}
mkdir -p /tmp/built
{cut}
if [ -f {dockerfile}.dockerignore ]; then
  cp {dockerfile}.dockerignore {DOCKERFILE}.dockerignore
  cp {dockerfile}.dockerignore {LOCKED_DOCKERFILE}.dockerignore
fi
cd "{service_folder(service)}"
version=$(printf '%s' "$SOURCE_VERSION" | tr -c 'A-Za-z0-9._-' '-' | cut -c 1-110)
tag="v-$version-$(printf '%s' "${SOURCE_DIGEST}" | cut -c 1-12)"
find_digest() {{
  aws ecr describe-images --repository-name "$REPOSITORY" --image-ids "imageTag=$tag" \\
    --query 'imageDetails[0].imageDigest' --output text
}}
aws ecr get-login-password | docker login --username AWS --password-stdin "${{REPOSITORY_URI%%/*}}"
# A source is built once: a repeated run uses the existing image.
if ! find_digest > /tmp/digest 2> /tmp/reason; then
  grep -q ImageNotFoundException /tmp/reason || {{ cat /tmp/reason; exit 1; }}
  # With attestations, the tag would name an index, and the registry does not scan an index.
  export BUILDX_NO_DEFAULT_ATTESTATIONS=1
  docker build --pull --file {DOCKERFILE} --tag "$REPOSITORY_URI:$tag" \\
    --label "org.opencontainers.image.revision=$SOURCE_VERSION" "{settings.context}"
  docker push "$REPOSITORY_URI:$tag"
  find_digest > /tmp/digest
fi
)
"""


def _export() -> str:
    """Return the command that exports the image's address as a variable for later actions of the pipeline."""
    return f"""\
digest="$(cat /tmp/digest)"
if [[ "$digest" =~ ^sha256:[0-9a-f]{{64}}$ ]]; then
  export {IMAGE_URI}="$REPOSITORY_URI@$digest"
else
  printf 'error: the registry answered %q instead of a digest (sha256:<64 hexadecimal digits>)\\n' "$digest" >&2
  false
fi
"""


def _examine(service: Service) -> str:
    """Return a command that lists the image's packages. It fails for Python packages that no check has examined."""
    # - The command exports the image and never runs it.
    # - Packages of base images pass, because the service did not add them.
    # - An instruction that runs code of the source could remove a package's metadata from the image. So the command
    #   also lists the packages of the locked stages, which end before the first instruction of this kind.
    # - An installer writes a list of the files that it has installed, but the Dockerfile could forge this list. The
    #   command trusts a list in the image only if a base image or a locked stage contains the same list.
    locked = _locked_stages(service)
    trusted = ' --lists-of "${bases[@]}" "${locked[@]}"' if locked else ""
    stages = ' --stages "${locked[@]}"' if locked else ""
    return f"""\
(
set -euo pipefail
{write_script("image_packages.py")}
{write_script("image_judgement.py")}
list_packages() {{
  container=$(docker create --network none "$1" /none)
  docker export "$container" | ({ISOLATED_PYTHON} /tmp/image_packages.py "${{@:2}}")
  docker rm "$container" > /dev/null
}}
bases=()
while read -r base; do
  if [ -n "$base" ]; then
    docker pull --quiet "$base" < /dev/null
    list_packages "$base" "/tmp/base-${{#bases[@]}}.json" < /dev/null
    bases+=("/tmp/base-${{#bases[@]}}.json")
  fi
done < {BASES}
{locked}docker pull --quiet "${IMAGE_URI}"
list_packages "${IMAGE_URI}" {PACKAGES}{trusted}
({ISOLATED_PYTHON} /tmp/image_judgement.py {PACKAGES} "{service_folder(service)}" "${{bases[@]}}"{stages})
{put_evidence(PACKAGES, "image-packages", ".cdx.json")}
)
"""


def _locked_stages(service: Service) -> str:
    """Return commands that build a part of each Dockerfile stage and list the packages in it.

    The part ends before the first instruction that can run code of the source. If the service permits installs without
    a lock file, the result is empty.
    """
    if service.settings.build.unlocked_installs:
        return ""
    return f"""\
locked=()
while read -r stage; do
  if [ -n "$stage" ]; then
    (cd "{service_folder(service)}" && BUILDX_NO_DEFAULT_ATTESTATIONS=1 docker build --file {LOCKED_DOCKERFILE} \\
      --target "$stage" --tag "locked:$stage" "{service.settings.build.context}") < /dev/null
    list_packages "locked:$stage" "/tmp/locked-${{#locked[@]}}.json" < /dev/null
    locked+=("/tmp/locked-${{#locked[@]}}.json")
  fi
done < {LOCKED_STAGES}
"""


def put_evidence(path: str, stem: str, suffix: str) -> str:
    """Return shell commands that store a file as evidence. They exit with 0, or with 1 if the file could not be
    stored.
    """
    return f"""\
# Nothing is overwritten: another attempt of this run stores its file with the next number. A bucket with Object Lock
# accepts only uploads with a checksum.
for number in "" -2 -3 -4 -5 -6 -7 -8 -9; do
  if aws s3api put-object --bucket "$EVIDENCE_BUCKET" --key "$SERVICE/$EXECUTION_ID/{stem}$number{suffix}" \\
    --body {path} --if-none-match '*' --checksum-algorithm SHA256 > /tmp/put 2>&1; then exit 0; fi
  grep -q PreconditionFailed /tmp/put || break
done
cat /tmp/put
exit 1"""
