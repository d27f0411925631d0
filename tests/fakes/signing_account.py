"""An account in which the signer runs: buckets with versions, a registry, a pipeline's executions and a signing key.

The key also verifies signatures, as KMS does: a signature that does not fit is an error.

The requests are validated by botocore's models, as in AWS.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from botocore.validate import ParamValidator
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

SERVICE, EXECUTION, PIPELINE = "basket", "e-1", "basket-shop-tools"
REPOSITORY = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/shop-tools-basket"
KEY = "arn:aws:kms:eu-central-1:111122223333:key/1"
ALIAS = "arn:aws:kms:eu-central-1:111122223333:alias/shop-tools-basket-signing"
BASE = "b" * 64
DIGEST, TREE = "sha256:" + "1" * 64, "ab" * 32
ENVIRONMENT = {
    "SERVICE": SERVICE,
    "PIPELINE": PIPELINE,
    "NAMESPACE": "CicdTemplates",
    "REPOSITORY": REPOSITORY,
    "ARTIFACTS_BUCKET": "artifacts",
    "EVIDENCE_BUCKET": "evidence",
    "TEMPLATES_BUCKET": "templates",
    "TEMPLATES_KEY": "templates.zip",
    "SIGNING_KEY": KEY,
    "BUILDER": "arn:aws:codebuild:eu-central-1:111122223333:project/shop-tools-basket-image",
    "BUILDSPEC_SHA256": "5" * 64,
    "DOCKERFILE": "services/basket/Dockerfile",
    "TEST_CHECKS": "unit-tests",
    "UNSIGNED_IMAGES": "{}",
    "ENVIRONMENTS": "staging,production",
    "STAGES": "Staging,Production",
    "CHANGE_SETS": "basket-release,basket-production-release",
    "HEALTH_STACKS": "shop-staging-health-basket,shop-production-health-basket",
    "APPROVALS": f"_approvals/{SERVICE}",
    "DEPLOYMENTS": f"_deployments/{SERVICE}",
    "GATE": "arn:aws:lambda:eu-central-1:111122223333:function:shop-tools-basket-scan-gate",
}
JUNIT = """<testsuite><testcase classname="b" name="adds"/><testcase classname="b" name="removes"/>
<testcase name="waits"><skipped/></testcase></testsuite>"""
DOCKERFILE = f"""\
# FROM ghcr.io/another/image@sha256:{"c" * 64}
FROM public.ecr.aws/docker/library/python:3.13@sha256:{BASE} AS base
COPY --from=base / /
"""
PARAMETERS = {
    "image": f"{REPOSITORY}@{DIGEST}",
    "sourceVersion": "v/1",
    "sourceDigest": TREE,
    "templatesVersion": "t-1",
    "execution": EXECUTION,
    "reportKey": f"{SERVICE}/{EXECUTION}/verdict.json",
}


def archive(**files: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as written:
        for name, content in files.items():
            written.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return target.getvalue()


@cache
def real_client(service: Any) -> Any:
    session = boto3.session.Session(aws_access_key_id="1", aws_secret_access_key="2", region_name="eu-central-1")
    return session.client(service)


class SigningAccount:
    """The account. `objects` maps a bucket and a key to the versions of the object, each with its name."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], list[tuple[str, bytes]]] = {}
        # When an object was stored, if it was not just now.
        self.stored_on: dict[str, datetime] = {}
        self.image = {"imageDigest": DIGEST, "imagePushedAt": datetime(2026, 11, 24, tzinfo=UTC)}
        self.tags = {f"v-v-1-{TREE[:12]}": self.image}
        self.scan: dict[str, Any] = {
            "imageScanStatus": {"status": "COMPLETE"},
            "imageScanFindings": {
                "imageScanCompletedAt": datetime(2026, 11, 24, 0, 1, tzinfo=UTC),
                "vulnerabilitySourceUpdatedAt": datetime(2026, 11, 23, tzinfo=UTC),
                "findings": [
                    {
                        "name": "CVE-2",
                        "severity": "LOW",
                        "attributes": [
                            {"key": "package_name", "value": "zlib"},
                            {"key": "CVSS3_SCORE", "value": "3.1"},
                        ],
                    },
                    {"name": "CVE-1"},
                ],
            },
        }
        self.answers: list[tuple[str, dict[str, Any]]] = []
        self.denied: set[str] = set()
        # The operations that AWS throttles, with the error code of their service.
        self.throttled: dict[str, str] = {}
        # The images that the registry has scanned, by their digests, all with the result `scan`.
        self.scanned = {DIGEST}
        self.messages: list[dict[str, str]] = []
        self.key = ec.generate_private_key(ec.SECP256R1())
        report = archive(report_dot_json="{}", scan__dash="")
        self.put("artifacts", "basket-shop-tools/BanditRepo/x", report, "r-1")
        policy = archive(**{"report_dot_xml": JUNIT})
        self.put("artifacts", "basket-shop-tools/UnitTests/x", policy, "r-2")
        source = archive(**{"services__basket__Dockerfile": DOCKERFILE, "README_dot_md": ""})
        self.put("artifacts", "basket-shop-tools/App/x", source, "a-1")
        self.put("templates", "templates.zip", b"older", "t-0")
        self.put("templates", "templates.zip", b"reviewed", "t-1")
        self.put("templates", "templates.zip", b"newer", "t-2")
        self.put("evidence", f"{SERVICE}/{EXECUTION}/sbom.cdx.json", b"{}", "s-1")
        self.verdict = {
            "verdict": "PASS",
            "source_digest": TREE,
            "source_version": "v/1",
            "templates_version": "t-1",
            "reports": {
                "bandit": self.stored("basket-shop-tools/BanditRepo/x"),
                "unit-tests": self.stored("basket-shop-tools/UnitTests/x"),
            },
        }

    def put(self, bucket: str, key: str, content: bytes, version: str) -> None:
        self.objects.setdefault((bucket, key), []).append((version, content))

    def stored(self, key: str) -> dict[str, str]:
        version, content = self.objects["artifacts", key][-1]
        return {"key": key, "version": version, "sha256": hashlib.sha256(content).hexdigest()}

    def client(self, service: str, **_: Any) -> Any:
        client = real_client(service)

        def call(operation: str, parameters: dict[str, Any]) -> Any:
            model = client.meta.service_model.operation_model(operation)
            assert not ParamValidator().validate(parameters, model.input_shape).has_errors(), parameters
            if operation in self.denied:
                raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, operation)
            if operation in self.throttled:
                raise ClientError({"Error": {"Code": self.throttled[operation], "Message": "slower"}}, operation)
            return getattr(self, f"_{operation}")(**parameters)

        client._make_api_call = call
        return client

    def _GetObject(self, Bucket: str, Key: str, VersionId: str = "") -> dict[str, Any]:  # noqa: N802, N803
        if Key == PARAMETERS["reportKey"]:
            self.objects["evidence", Key] = [("v-1", json.dumps(self.verdict).encode())]
        versions = self.objects.get((Bucket, Key), [])
        if VersionId not in ("", *(name for name, _ in versions)) or not versions:
            code = "NoSuchVersion" if versions else "NoSuchKey"
            raise ClientError({"Error": {"Code": code, "Message": "not there"}}, "GetObject")
        version, content = versions[-1] if not VersionId else next(each for each in versions if each[0] == VersionId)
        return {
            "Body": StreamingBody(io.BytesIO(content), len(content)),
            "VersionId": version,
            "LastModified": datetime(2026, 11, 24, 1, tzinfo=UTC),
        }

    def _PutObject(self, Bucket: str, Key: str, Body: bytes, **settings: str) -> dict[str, Any]:  # noqa: N802, N803
        assert settings == {"IfNoneMatch": "*", "ChecksumAlgorithm": "SHA256"}
        if (Bucket, Key) in self.objects:
            raise ClientError({"Error": {"Code": "PreconditionFailed", "Message": "there"}}, "PutObject")
        self.put(Bucket, Key, Body, "new")
        return {}

    def _ListObjectsV2(self, Bucket: str, Prefix: str) -> dict[str, Any]:  # noqa: N802, N803
        keys = [key for bucket, key in self.objects if bucket == Bucket and key.startswith(Prefix)]
        moments = {key: self.stored_on.get(key, datetime.now(UTC)) for key in keys}
        return {"Contents": [{"Key": key, "LastModified": moments[key]} for key in keys], "IsTruncated": False}

    def _DescribeImages(self, repositoryName: str, imageIds: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N802, N803
        assert repositoryName == "shop-tools-basket"
        return {"imageDetails": [self.tags[image["imageTag"]] for image in imageIds]}

    def _DescribeImageScanFindings(self, repositoryName: str, imageId: dict[str, str]) -> dict[str, Any]:  # noqa: N802, N803
        assert repositoryName == "shop-tools-basket"
        assert imageId["imageDigest"] in self.scanned
        return self.scan

    def _ListActionExecutions(self, pipelineName: str, filter: dict[str, str]) -> dict[str, Any]:  # noqa: A002, N802, N803
        assert (pipelineName, filter) == (PIPELINE, {"pipelineExecutionId": EXECUTION})
        location = {"bucket": "artifacts", "key": "basket-shop-tools/App/x"}
        detail = {
            "pipelineExecutionId": EXECUTION,
            "stageName": "Source",
            "actionName": "App",
            "startTime": datetime(2026, 11, 24, tzinfo=UTC),
            "status": "Succeeded",
            "output": {"outputArtifacts": [{"name": "App", "s3location": location}]},
        }
        return {"actionExecutionDetails": [detail]}

    def _GetPublicKey(self, KeyId: str) -> dict[str, Any]:  # noqa: N802, N803
        assert KeyId == KEY
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return {"PublicKey": self.key.public_key().public_bytes(serialization.Encoding.DER, form)}

    def _Sign(self, KeyId: str, Message: bytes, MessageType: str, SigningAlgorithm: str) -> dict[str, Any]:  # noqa: N802, N803
        assert (KeyId, MessageType, SigningAlgorithm, len(Message)) == (KEY, "DIGEST", "ECDSA_SHA_256", 32)
        return {"Signature": self.key.sign(Message, ec.ECDSA(utils.Prehashed(hashes.SHA256())))}

    def _Verify(self, **asked: Any) -> dict[str, Any]:  # noqa: N802
        assert (asked["MessageType"], asked["SigningAlgorithm"]) == ("DIGEST", "ECDSA_SHA_256")
        # KMS accepts the ARN of an alias, too, and always answers with the ARN of the key.
        assert asked["KeyId"] in (KEY, ALIAS)
        try:
            algorithm = ec.ECDSA(utils.Prehashed(hashes.SHA256()))
            self.key.public_key().verify(asked["Signature"], asked["Message"], algorithm)
        except InvalidSignature:
            raise ClientError({"Error": {"Code": "KMSInvalidSignatureException", "Message": ""}}, "Verify") from None
        return {"KeyId": KEY, "SignatureValid": True, "SigningAlgorithm": asked["SigningAlgorithm"]}

    def _AssumeRole(self, RoleArn: str, RoleSessionName: str) -> dict[str, Any]:  # noqa: N802, N803
        return {"Credentials": {"AccessKeyId": "a", "SecretAccessKey": "s", "SessionToken": "t"}}

    def _Publish(self, TopicArn: str, Message: str) -> dict[str, Any]:  # noqa: N802, N803
        self.messages.append({"topic": TopicArn, "message": Message})
        return {"MessageId": "1"}

    def _PutJobSuccessResult(self, **request: Any) -> dict[str, Any]:  # noqa: N802
        self.answers.append(("success", request))
        return {}

    def _PutJobFailureResult(self, **request: Any) -> dict[str, Any]:  # noqa: N802
        self.answers.append(("failure", request))
        return {}
