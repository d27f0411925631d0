"""What the deployer and the pipeline hand to each other: the reviewed templates, and who writes a service's stack."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import TEMPLATES_KEY, parameter_path
from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.change_sets.api import describe_stack, live_resources
from cicd_templates.deploy.releases.archives import bundle, read_bundle
from cicd_templates.deploy.releases.templates_commit import TemplatesCommit
from cicd_templates.errors import RefusedError
from cicd_templates.template.stack_template import StackTemplate

# The user-defined metadata of the bundle's object: its digest, its commit, and the ARN of whoever handed it over.
DIGEST, COMMIT, HANDED_OVER_BY = "sha256", "commit", "handed-over-by"
SERVICE_TYPE = "AWS::ECS::Service"


@dataclass(frozen=True)
class Comparison:
    """The rendered templates beside those that the pipeline has.

    `bucket` is None while the tools environment has none. `first` is true while the pipeline has no templates.
    `changed` are the files that differ, by environment. The pipeline `has_these` where no file differs and it knows
    their commit, which versions of earlier releases of this tool do not.
    """

    bucket: str | None
    has_these: bool = False
    first: bool = False
    changed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """Return `handed over` for the rendered templates, `older` for others, or `none` for no bucket."""
        if self.bucket is None:
            return "none"
        return "older" if self.changed else "handed over"


@dataclass(frozen=True)
class PipelineHandover:
    """The environment where the pipeline lives, and the way to its account. `stacks` are those of all environments.

    `commit` has these stacks, or says why they are in none; `caller` is the ARN of whoever hands them over.
    """

    environment: Environment
    clients: Clients
    stacks: tuple[StackTemplate, ...]
    commit: TemplatesCommit
    caller: str

    def value(self, layer: str, output: str, service: str | None = None) -> str | None:
        """What a layer of it has published, or None where it is not deployed yet."""
        path = parameter_path(self.environment, layer, output, service)
        try:
            return self.clients.ssm.get_parameter(Name=path)["Parameter"]["Value"]
        except self.clients.ssm.exceptions.ParameterNotFound:
            return None

    def compare(self) -> Comparison:
        """Compare the rendered templates with those that the pipeline has now."""
        bucket = self.value("storage", "TemplatesBucketName")
        if bucket is None:
            return Comparison(None)
        data = bundle(self.stacks)
        try:
            held = self.clients.s3.get_object(Bucket=bucket, Key=TEMPLATES_KEY)
        except self.clients.s3.exceptions.NoSuchKey:
            return Comparison(bucket, first=True, changed=_changed_files({}, read_bundle(data)))
        # By content: another release of zlib makes other bytes of the same files.
        changed = _changed_files(read_bundle(held["Body"].read()), read_bundle(data))
        known = COMMIT in held["Metadata"] or not self.commit.revision
        return Comparison(bucket, has_these=known and not changed, changed=changed)

    def publish_templates(self, bucket: str) -> str:
        """Put the rendered templates where runs take them from; return the id of the version.

        A release would otherwise put an older template back over what was deployed by hand. Raises `RefusedError` for
        templates that are in no commit: nobody could find again what was deployed.
        """
        if self.commit.problem:
            raise RefusedError(f"templates in no commit are not handed to the pipeline: {self.commit.problem}")
        data = bundle(self.stacks)
        known = {DIGEST: hashlib.sha256(data).hexdigest(), COMMIT: self.commit.revision, HANDED_OVER_BY: self.caller}
        return self.clients.s3.put_object(
            Bucket=bucket,
            Key=TEMPLATES_KEY,
            Body=data,
            ContentType="application/zip",
            # S3 compares it with what arrives, and keeps it with the version for whoever audits it.
            ChecksumAlgorithm="SHA256",
            Metadata={name: value for name, value in known.items() if value},
        )["VersionId"]

    def writes(self, stack: StackTemplate) -> bool:
        """Whether releases write `stack`: it is one that the pipeline deploys, and that pipeline exists."""
        return bool(stack.deployed_as) and self.value("pipeline", "PipelineName", stack.service) is not None


def left_to_the_pipeline(
    clients: Clients, tools: PipelineHandover, stacks: Iterable[StackTemplate]
) -> list[StackTemplate]:
    """Those of `stacks` that are the pipeline's by now: protected, running, and with a pipeline that writes them."""
    return [stack for stack in stacks if stack.protected and tools.writes(stack) and _runs(clients, stack)]


def _runs(clients: Clients, stack: StackTemplate) -> bool:
    """Whether the stack has its service. What an import took back is a log group alone, which no release can update."""
    if describe_stack(clients, stack.name) is None:
        return False
    return any(resource["ResourceType"] == SERVICE_TYPE for resource in live_resources(clients, stack.name))


def _changed_files(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> dict[str, tuple[str, ...]]:
    """Return the names of the files that differ, by environment, which is the folder that they are in."""
    changed: dict[str, tuple[str, ...]] = {}
    for path in sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name)):
        environment, _, name = path.rpartition("/")
        changed[environment] = (*changed.get(environment, ()), name)
    return changed
