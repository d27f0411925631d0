"""The table `[services.<name>.build]`: how the image is built and which facts about it are recorded."""

from typing import Annotated, Literal

from pydantic import Field

from cicd_templates.config.tables.field_types import FolderPath, ShellCommand, matching
from cicd_templates.config.tables.table import Table

ImagePrefix = Annotated[
    str,
    matching(
        r"[a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)*",
        "write a registry, or a registry with a path, such as public.ecr.aws/docker/library",
        200,
    ),
]

DownloadAddress = Annotated[
    str,
    matching(
        r"https://[a-z0-9.-]+(:\d+)?/(?!\S*\.\.)[A-Za-z0-9_./:+~=-]*",
        "write an https address with a path; an address that ends in a slash includes everything below it:"
        " https://example.com/tools/",
        500,
    ),
]


IndexHost = Annotated[
    str,
    matching(
        r"[a-z0-9-]+(\.[a-z0-9-]+)+",
        "write only a host name in lower case, such as packages.example.com; leave out https://, path and port",
        253,
    ),
]


class BuildTable(Table):
    """`[services.<name>.build]`: how the image is built, and which facts about it are recorded."""

    dockerfile: FolderPath = Field(default="Dockerfile", description="Path of the Dockerfile, relative to the source")
    context: FolderPath = Field(default=".", description="Build context, relative to the source")
    sbom: tuple[ShellCommand, ...] = Field(
        default=("cyclonedx-py requirements requirements.txt --output-format JSON --output-file $SBOM",),
        strict=False,
        min_length=1,
        description=(
            "Commands that write a CycloneDX bill of materials to `$SBOM`. They must not run programs of the source,"
            " because this build has permission to store evidence"
        ),
    )
    timeout_minutes: Annotated[int, Field(ge=5, le=60)] = Field(
        default=15, description="Minutes after which the build is stopped"
    )
    base_images: tuple[ImagePrefix, ...] = Field(
        default=("public.ecr.aws/docker/library",),
        strict=False,
        description="Prefixes of the base images that the Dockerfile may use; the Dockerfile must pin each image by"
        " digest",
    )
    downloads: tuple[DownloadAddress, ...] = Field(
        default=(),
        strict=False,
        description="Addresses from which the Dockerfile may download files. The Dockerfile must compare each file with"
        " a SHA-256. Nothing else examines these files",
    )
    indexes: tuple[IndexHost, ...] = Field(
        default=(),
        strict=False,
        description="The only hosts from which lock files and installers may take packages; default: the hosts"
        " of each language's public index",
    )
    unlocked_installs: bool = Field(
        default=False,
        description="Give every RUN command a network, so that it can download packages even if no lock file has their"
        " hash",
    )
    scan_severities: tuple[Literal["CRITICAL", "HIGH", "MEDIUM", "LOW"], ...] = Field(
        default=("CRITICAL", "HIGH"),
        strict=False,
        min_length=1,
        description="A finding of the registry's image scan stops a release if it has one of these severities or a"
        " higher severity",
    )
    scan_unrated: Literal["stop", "pass"] = Field(
        default="stop",
        description="`stop`: findings of the image scan with an unknown severity stop a release; `pass`: they do not",
    )
