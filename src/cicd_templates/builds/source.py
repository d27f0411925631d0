"""Finds the service's folder in the source of a build, and makes commands that compute and compare its digest.

CodeBuild unpacks the source before the first command of a build. The digest is computed from the unpacked files,
because two programs can unpack the same zip file differently. The gate requires that all checks report the same digest.
The builds after the gate require that their source has this digest.
"""

from __future__ import annotations

import shlex

from cicd_templates.builds.build_scripts import write_script
from cicd_templates.config.environment import Service

SOURCE_DIGEST = "SOURCE_DIGEST"
# Some tools call git in the source or above it. The configuration of a git repository can name programs, which git then
# runs.
NO_GIT = "export GIT_DIR=/dev/null"
# The file to which a build writes the digest of its source.
DIGEST_FILE = "/tmp/source_digest"  # noqa: S108 - in the container of one build


def service_path(service: Service) -> str:
    """Return the path of the service's folder in the source of a build.

    If `make release` delivers the source, the path is `.`, because only the service's folder is delivered. If a
    connection delivers the source, the path is the folder's path in the repository, because the whole repository is
    delivered.
    """
    whole = service.settings.source == "s3" or not service.settings.path
    return "." if whole else str(service.settings.path)


def service_folder(service: Service) -> str:
    """Return the path of the service's folder in a build. The path begins with a shell variable.

    In a shell command, the caller must put double quotes around the path.
    """
    path = service_path(service)
    return "$CODEBUILD_SRC_DIR" if path == "." else f"$CODEBUILD_SRC_DIR/{path}"


def compute_digest(service: Service) -> str:
    """Return commands that write the digest of the service's folder to DIGEST_FILE.

    The commands fail if the folder contains a file that no check can examine, for example a link that leads out of
    the folder. In a monorepo, the digest does not cover the other folders, because the checks and the image use only
    the service's folder.
    """
    script = write_script("source_digest.sh")
    path = shlex.quote(service_path(service))
    return f'{script}\nsh /tmp/source_digest.sh "$CODEBUILD_SRC_DIR" {path} > {DIGEST_FILE}'


def require_judged_source(service: Service) -> str:
    """Return commands that stop the build if its source is not the source that the checks judged."""
    return f"""\
{compute_digest(service)}
if [ "$(cat {DIGEST_FILE})" != "${SOURCE_DIGEST}" ]; then
  echo "error: the source has the digest $(cat {DIGEST_FILE}), but the checks judged ${SOURCE_DIGEST}" >&2
  exit 1
fi"""
