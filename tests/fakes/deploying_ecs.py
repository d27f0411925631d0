"""The account of the signer, and ECS in an environment that is about to start a release.

The requests are validated by botocore's models, as in AWS.
"""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from cicd_templates.functions import sign, verify_image
from tests.fakes.resigned_statements import Change, signed_again
from tests.fakes.signing_account import (
    ALIAS,
    DIGEST,
    ENVIRONMENT,
    EXECUTION,
    PARAMETERS,
    REPOSITORY,
    SERVICE,
    SigningAccount,
)

REVISION = "arn:aws:ecs:eu-central-1:222222222222:service-revision/c/s/1"
FOLDER = f"{SERVICE}/{EXECUTION}/signed"
SIGNED = f"{REPOSITORY}@{DIGEST}"
# The variables of the hook: it is in another account than the key, and knows only the alias.
HOOK = {
    **{name: ENVIRONMENT[name] for name in ("SERVICE", "REPOSITORY", "EVIDENCE_BUCKET", "BUILDER", "GATE")},
    "SIGNING_KEY": ALIAS,
    "CONTAINER": SERVICE,
    "FURTHER": "",
    "ENVIRONMENT": "staging",
    "UNSIGNED_IMAGES": "{}",
    "SEVERITIES": "CRITICAL,HIGH",
}


class DeployingEcs(SigningAccount):
    """The account. `images` are those of the containers of the task definition that ECS is about to start."""

    def __init__(self) -> None:
        super().__init__()
        self.images = [SIGNED]
        self.verified: dict[str, Any] = {}

    def sign_release(self, execution: str = EXECUTION) -> None:
        parameters = PARAMETERS | {"execution": execution}
        configuration = {"configuration": {"UserParameters": json.dumps(parameters)}}
        job = {"id": "j", "data": {"actionConfiguration": configuration}}
        sign.handler({"CodePipeline.job": job}, SimpleNamespace(invoked_function_arn="arn:signer"))
        assert self.answers.pop()[0] == "success"

    def sign_again(self, changes: dict[str, Change], key: ec.EllipticCurvePrivateKey | None = None) -> None:
        """Sign changed statements and the release statement with `key`, by default the one of the signer."""
        prefix = f"{FOLDER}/"
        keys = [key for bucket, key in self.objects if bucket == "evidence" and key.startswith(prefix)]
        files = {key.removeprefix(prefix): self.objects["evidence", key][-1][1] for key in keys}
        algorithm = ec.ECDSA(hashes.SHA256())
        for name, content in signed_again(files, changes, lambda data: (key or self.key).sign(data, algorithm)).items():
            self.objects["evidence", f"{prefix}{name}"] = [("new", content)]

    def ask_hook(self) -> str:
        """Return the answer of the hook to ECS."""
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: 0)
        event = {"executionDetails": {"targetServiceRevisionArn": REVISION}}
        return verify_image.handler(event, context)["hookStatus"]

    def _Verify(self, **asked: Any) -> dict[str, Any]:  # noqa: N802
        return super()._Verify(**asked) | self.verified

    def _DescribeServiceRevisions(self, serviceRevisionArns: list[str]) -> dict[str, Any]:  # noqa: N802, N803
        assert serviceRevisionArns == [REVISION]
        return {"serviceRevisions": [{"serviceRevisionArn": REVISION, "taskDefinition": "basket:7"}]}

    def _DescribeTaskDefinition(self, taskDefinition: str) -> dict[str, Any]:  # noqa: N802, N803
        assert taskDefinition == "basket:7"
        names = [SERVICE, *(f"further-{number}" for number in range(1, len(self.images)))]
        containers = [{"name": name, "image": image} for name, image in zip(names, self.images, strict=True)]
        return {"taskDefinition": {"containerDefinitions": containers}}

    def _DescribeImageScanFindings(  # noqa: N802
        self,
        repositoryName: str,  # noqa: N803
        imageId: dict[str, str],  # noqa: N803
        registryId: str = "111122223333",  # noqa: N803
    ) -> dict[str, Any]:
        assert registryId == "111122223333"
        return super()._DescribeImageScanFindings(repositoryName, imageId)
