"""The source of a build: the service's folder, its digest, and the refusal of a source that the checks did not judge.

CodeBuild unpacks the source of every build itself, before the first command. Programs can read one zip file in
different ways, so the digest is computed over the files on disk. The gate requires one digest from all checks, and the
builds after the gate require that digest.
"""

from __future__ import annotations

import shlex

from cicd_templates.builds.release_checks import write_script
from cicd_templates.config.environment import Service

SOURCE_DIGEST = "SOURCE_DIGEST"
# The file to which a build writes the digest of its source.
DIGEST_FILE = "/tmp/source_digest"  # noqa: S108 - in the container of one build


def service_path(service: Service) -> str:
    """Return the path of the service's folder in a build's source: `path` if a connection delivers it, otherwise `.`.

    `make release` packs only the service's folder, but a connection delivers the whole repository.
    """
    whole = service.settings.source == "s3" or not service.settings.path
    return "." if whole else str(service.settings.path)


def service_folder(service: Service) -> str:
    """Return the service's folder in a build, as text for a shell. The caller puts it between double quotes."""
    path = service_path(service)
    return "$CODEBUILD_SRC_DIR" if path == "." else f"$CODEBUILD_SRC_DIR/{path}"


def compute_digest(service: Service) -> str:
    """Return commands that write the digest of the service's folder, or fail if the folder cannot be judged.

    In a monorepo, only the service's folder counts: the checks judge that folder, and the image is built from it.
    """
    script = write_script("source_digest.sh")
    path = shlex.quote(service_path(service))
    return f'{script}\nsh /tmp/source_digest.sh "$CODEBUILD_SRC_DIR" {path} > {DIGEST_FILE}'


def require_judged_source(service: Service) -> str:
    """Return commands that fail if the source of this build is not the one that the checks judged."""
    return f"""\
{compute_digest(service)}
if [ "$(cat {DIGEST_FILE})" != "${SOURCE_DIGEST}" ]; then
  echo "error: the source has the digest $(cat {DIGEST_FILE}), but the checks judged ${SOURCE_DIGEST}" >&2
  exit 1
fi"""
