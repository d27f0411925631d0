"""Checks the build caches: the second build of a project must read the cache that the first build wrote."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cicd_templates.acceptance.check import Check, CheckContext, LocalCoverage, require
from cicd_templates.acceptance.project import TOOLS
from cicd_templates.template import cloudformation_yaml

PROJECT, CACHE = "AWS::CodeBuild::Project", "S3"
# CodeBuild writes this text into a build's log after it has downloaded a cache. No field of BatchGetBuilds shows this:
# https://github.com/aws/aws-codebuild-docker-images/issues/821
READ = ("Unarchiving cache", "compressed S3 cache")


def read_caches(context: CheckContext) -> str:
    """Require that the newest build of each project with a cache has read the cache, according to the build's log.

    A project with fewer than two builds is left out.
    """
    codebuild, logs = context.clients(TOOLS).codebuild, context.clients(TOOLS).logs
    without, read = [], 0
    for project in _cached_projects(context):
        pages = codebuild.get_paginator("list_builds_for_project").paginate(projectName=project)
        # A call describes at most 100 builds:
        # https://docs.aws.amazon.com/codebuild/latest/APIReference/API_BatchGetBuilds.html
        builds = [build for page in pages for build in page["ids"]][:100]
        if len(builds) < 2:
            continue
        log = max(codebuild.batch_get_builds(ids=builds)["builds"], key=lambda build: int(build["buildNumber"]))["logs"]
        lines = "".join(_messages(logs, log["groupName"], log["streamName"]))
        if any(words in lines for words in READ):
            read += 1
        else:
            without.append(project.removeprefix(f"{context.project.name(TOOLS)}-"))
    require(read or without, "inconclusive: no project with a cache was built twice")
    require(not without, f"no: the second builds of {', '.join(without)} did not read the cache")
    return f"yes: in {read} projects, the second build read the cache of the first build"


def _cached_projects(context: CheckContext) -> Iterator[str]:
    """Yield the name of each rendered project that has a cache in S3."""
    for path in sorted(context.project.rendered(TOOLS).glob("*.yaml")):
        template = cloudformation_yaml.load(path.read_text(encoding="utf-8"))
        for resource in template["Resources"].values():
            properties = resource.get("Properties", {})
            if resource["Type"] == PROJECT and properties.get("Cache", {}).get("Type") == CACHE:
                yield str(properties["Name"])


def _messages(logs: Any, group: str, stream: str) -> Iterator[str]:
    """Yield the messages of a log stream.

    The stream has ended when the next token in CloudWatch Logs' response equals the token in the request.
    """
    request: dict[str, Any] = {"logGroupName": group, "logStreamName": stream, "startFromHead": True}
    while True:
        page = logs.get_log_events(**request)
        yield from (event["message"] for event in page["events"])
        if page["nextForwardToken"] == request.get("nextToken"):
            return
        request["nextToken"] = page["nextForwardToken"]


CACHES_READ = Check(
    "caches",
    "Builds read and write their caches in S3 without the permission to list the bucket.",
    read_caches,
    needs=("permissions",),
    local_coverage=LocalCoverage.NOT_POSSIBLE,
    local_limit="a rehearsal runs only the commands of a build, not CodeBuild's caching",
    question="Do the build caches in S3 work without s3:ListBucket?",
)
