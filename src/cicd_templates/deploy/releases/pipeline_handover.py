"""Uploads the templates that the pipeline deploys, and decides which stacks `make deploy` leaves to the pipeline."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import TEMPLATES_KEY, parameter_path
from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.change_sets.cloudformation_calls import describe_stack, live_resources
from cicd_templates.deploy.releases.archives import bundle, read_bundle
from cicd_templates.deploy.releases.templates_commit import TemplatesCommit
from cicd_templates.errors import RefusedError
from cicd_templates.template.stack_template import StackTemplate

# User-defined metadata of the bundle's S3 object: its digest, its commit, and the ARN of the caller who uploaded it.
DIGEST, COMMIT, HANDED_OVER_BY = "sha256", "commit", "handed-over-by"
SERVICE_TYPE, TASK_TYPE = "AWS::ECS::Service", "AWS::ECS::TaskDefinition"


@dataclass(frozen=True)
class Comparison:
    """The differences between the rendered templates and the templates that were last uploaded for the pipeline.

    - `bucket` is None if the bucket for templates does not exist yet.
    - `first` is true if no templates were uploaded yet.
    - `changed` has the files that differ, keyed by environment.
    - `has_these` is true if the bucket has exactly the rendered templates and, if they are committed, their commit id.
      In this case, no upload is needed.
    """

    bucket: str | None
    has_these: bool = False
    first: bool = False
    changed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """Return one of these phrases:

        - `none handed over`: there is no bucket, or no templates are uploaded.
        - `older`: at least one uploaded file differs from the rendered file.
        - `handed over`: every uploaded file equals the rendered file.
        """
        if self.bucket is None or self.first:
            return "none handed over"
        return "older" if self.changed else "handed over"


def bundle_metadata(data: bytes, commit: TemplatesCommit, caller: str) -> dict[str, str]:
    """Return the metadata with which `caller`, an ARN, uploads the bundle `data`. An approval shows this metadata."""
    known = {DIGEST: hashlib.sha256(data).hexdigest(), COMMIT: commit.revision, HANDED_OVER_BY: caller}
    return {name: value for name, value in known.items() if value}


@dataclass(frozen=True)
class PipelineHandover:
    """Uploads the templates of all environments for the pipeline. `clients` are AWS clients for the pipeline's account.

    - `environment` is the environment that contains the pipeline.
    - `commit` is the commit that contains the templates, or the reason why there is no such commit.
    - `caller` is the ARN of the person or role that uploads the templates.
    - `missing` has the names of the environments that were not rendered on this machine. They are parallel copies, and
      each of them must be rendered before an upload.
    """

    environment: Environment
    clients: Clients
    stacks: tuple[StackTemplate, ...]
    commit: TemplatesCommit
    caller: str
    missing: tuple[str, ...] = ()

    def value(self, layer: str, output: str, service: str | None = None) -> str | None:
        """Return a value that a stack of the pipeline's environment publishes, or None if there is no such value.

        The value is read from Parameter Store.
        """
        path = parameter_path(self.environment, layer, output, service)
        try:
            return self.clients.ssm.get_parameter(Name=path)["Parameter"]["Value"]
        except self.clients.ssm.exceptions.ParameterNotFound:
            return None

    def compare(self) -> Comparison:
        """Compare the rendered templates with the newest templates in the pipeline's bucket."""
        bucket = self.value("storage", "TemplatesBucketName")
        if bucket is None:
            return Comparison(None)
        data = bundle(self.stacks)
        try:
            held = self.clients.s3.get_object(Bucket=bucket, Key=TEMPLATES_KEY)
        except self.clients.s3.exceptions.NoSuchKey:
            return Comparison(bucket, first=True, changed=_changed_files({}, read_bundle(data)))
        # Contents are compared, not archives: different versions of zlib compress the same files to different bytes.
        changed = _changed_files(read_bundle(held["Body"].read()), read_bundle(data))
        known = COMMIT in held["Metadata"] or not self.commit.revision
        return Comparison(bucket, has_these=known and not changed, changed=changed)

    def publish_templates(self, bucket: str) -> str:
        """Upload the rendered templates to `bucket`, where pipeline runs read them. Return the S3 version id.

        Without this upload, the next release would deploy older templates and undo the changes of `make deploy`.

        Raises `RefusedError` if no commit contains the templates. Without a commit, nobody could find out later what
        was deployed.
        """
        if self.commit.problem:
            raise RefusedError(f"uncommitted templates are not handed to the pipeline: {self.commit.problem}")
        data = bundle(self.stacks)
        return self.clients.s3.put_object(
            Bucket=bucket,
            Key=TEMPLATES_KEY,
            Body=data,
            ContentType="application/zip",
            # S3 verifies the upload with this checksum and stores it with the version, for audits.
            ChecksumAlgorithm="SHA256",
            Metadata=bundle_metadata(data, self.commit, self.caller),
        )["VersionId"]

    def writes(self, stack: StackTemplate) -> bool:
        """Return whether releases of the pipeline update `stack`.

        They do if the stack's service has a pipeline, and the stack's template names a role for CloudFormation.
        """
        return bool(stack.deployed_as) and self.value("pipeline", "PipelineName", stack.service) is not None


def left_to_the_pipeline(
    clients: Clients,
    tools: PipelineHandover,
    stacks: Iterable[StackTemplate],
    existing: Mapping[str, object] | None = None,
) -> list[StackTemplate]:
    """Return the stacks in `stacks` that only the pipeline may deploy. For each of these stacks, all of this is true:

    - The stack belongs to a protected environment.
    - Releases of the pipeline update the stack.
    - The stack's ECS service or task definition already exists.

    `existing` has the stacks of the account, keyed by name. If it is None, the function asks AWS about each stack.
    """
    return [stack for stack in stacks if stack.protected and tools.writes(stack) and _runs(clients, stack, existing)]


def _runs(clients: Clients, stack: StackTemplate, existing: Mapping[str, object] | None) -> bool:
    """Return whether the stack already has the resource that a release updates.

    This resource is the ECS service or, if the template has no ECS service, the task definition. After an import, for
    example, a stack may have only a log group.
    """
    exists = describe_stack(clients, stack.name) is not None if existing is None else stack.name in existing
    if not exists:
        return False
    types = {resource["Type"] for resource in stack.resources.values()}
    runs = SERVICE_TYPE if SERVICE_TYPE in types else TASK_TYPE
    return any(resource["ResourceType"] == runs for resource in live_resources(clients, stack.name))


def _changed_files(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> dict[str, tuple[str, ...]]:
    """Map each environment to the names of its files that were added, changed or removed between two uploads.

    Each path in `before` and `after` begins with the name of an environment.
    """
    changed: dict[str, tuple[str, ...]] = {}
    for path in sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name)):
        environment, _, name = path.rpartition("/")
        changed[environment] = (*changed.get(environment, ()), name)
    return changed
