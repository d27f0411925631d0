"""What the deployer and the pipeline hand to each other: the reviewed templates, and who writes a service's stack."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from botocore.exceptions import ClientError

from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import TEMPLATES_KEY, parameter_path
from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.change_sets.api import describe_stack, live_resources
from cicd_templates.deploy.releases.archives import bundle
from cicd_templates.template.stack_template import StackTemplate

DIGEST_METADATA = "sha256"
SERVICE_TYPE = "AWS::ECS::Service"


@dataclass(frozen=True)
class PipelineHandover:
    """The environment where the pipeline lives, and the way to its account. `stacks` are those of all environments."""

    environment: Environment
    clients: Clients
    stacks: tuple[StackTemplate, ...]

    def value(self, layer: str, output: str, service: str | None = None) -> str | None:
        """What a layer of it has published, or None where it is not deployed yet."""
        path = parameter_path(self.environment, layer, output, service)
        try:
            return self.clients.ssm.get_parameter(Name=path)["Parameter"]["Value"]
        except self.clients.ssm.exceptions.ParameterNotFound:
            return None

    def publish_templates(self) -> str:
        """Put the rendered templates where runs take them from; what was done, in a line.

        A release would otherwise put an older template back over what was deployed by hand.
        """
        bucket = self.value("storage", "TemplatesBucketName")
        if bucket is None:
            return "templates: not handed to the pipeline yet, because the tools environment has no bucket for them"
        data = bundle(self.stacks)
        digest = hashlib.sha256(data).hexdigest()
        if self._published(bucket) == digest:
            return "templates: the pipeline has these already"
        version = self.clients.s3.put_object(
            Bucket=bucket,
            Key=TEMPLATES_KEY,
            Body=data,
            ContentType="application/zip",
            Metadata={DIGEST_METADATA: digest},
        )["VersionId"]
        return f"templates: handed to the pipeline as version {version}"

    def handed_over(self) -> str:
        """Whether the pipeline has the rendered templates of now: `handed over`, `older`, or `none` for no bucket."""
        bucket = self.value("storage", "TemplatesBucketName")
        if bucket is None:
            return "none"
        digest = hashlib.sha256(bundle(self.stacks)).hexdigest()
        return "handed over" if self._published(bucket) == digest else "older"

    def _published(self, bucket: str) -> str | None:
        try:
            return self.clients.s3.head_object(Bucket=bucket, Key=TEMPLATES_KEY)["Metadata"].get(DIGEST_METADATA)
        except ClientError as error:
            # A HEAD has no body, so its error has the status for a code.
            if error.response["Error"]["Code"] == "404":
                return None
            raise

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
