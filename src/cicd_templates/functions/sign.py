"""Sign statements with a KMS key: about a release before it is deployed, and about each deployment of a release.

For a release, the user parameters are `image` (with its digest), `sourceVersion`, `sourceDigest`, `templatesVersion`,
`execution` and `reportKey` (the S3 key of the gate's decision). The function signs only if the gate let this source
pass, and if the registry has scanned the image with the tag of this source. A statement also lists other files that
builds wrote. The function does not examine these files.

For a deployment, the module `deployed_release` describes the user parameters and the examined facts. In an environment
without approvals, the action succeeds even if nothing was signed, because a failed action would roll back a successful
deployment. A metric and the output variable `Problem` report why nothing was signed, or why the state of an alarm could
not be read.

The function always answers its job exactly once. The event is never logged, because it contains credentials.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import tempfile
import zipfile
from datetime import UTC, datetime
from typing import IO, Any

from cicd_templates.functions.archived_files import only_file
from cicd_templates.functions.deployed_release import DEPLOYED, REVIEWED, deployment_statement
from cicd_templates.functions.dockerfile_images import base_images
from cicd_templates.functions.evidence_format import (
    FOLDER,
    PUBLIC_KEY,
    RELEASE,
    SCAN_POLICY,
    TEMPLATES_ARCHIVE,
    canonical_json,
    envelope,
    list_of_digest,
    moment,
    signed_bytes,
)
from cicd_templates.functions.image_findings import read_findings
from cicd_templates.functions.job_failures import log_problem
from cicd_templates.functions.junit_names import names_by_outcome
from cicd_templates.functions.pipeline_jobs import answer_job, fail_job, read_parameters
from cicd_templates.functions.release_statements import (
    CheckedTests,
    Document,
    SignedRelease,
    release_payload,
    statement_payloads,
)
from cicd_templates.functions.scan_gate.artifacts import read_entries
from cicd_templates.functions.scan_gate.report_artifacts import find_artifacts
from cicd_templates.functions.unsigned_images import is_exception
from cicd_templates.functions.zip_names import differing_local_name, unclear_directory

CHUNK_BYTES = 1 << 20
MAX_DOCKERFILE_BYTES = 1 << 20
MAX_ATTEMPTS = 9
SOURCE_ARTIFACT = "App"
TEST_REPORT = "report.xml"
DIGEST = re.compile("sha256:[0-9a-f]{64}")
# The user parameters about a release.
REQUIRED = frozenset({"image", "sourceVersion", "sourceDigest", "templatesVersion", "execution", "reportKey"})


def handler(event: dict[str, Any], context: Any) -> None:
    """Sign a release or a deployment, and report a success or a failure to the pipeline.

    The output variables for a release are `Statements`, the key prefix of the signed files, and `Signer`. The output
    variable for a deployment is `Statement`, the key of the signed statement.

    If nothing could be signed, the function reports a success in two cases: the configuration allows the unsigned
    image, or the environment of the deployment has no approvals. In all other cases, it reports a failure.
    """
    import boto3

    job = event["CodePipeline.job"]
    pipeline = boto3.client("codepipeline")
    parameters: dict[str, str] = {}
    try:
        given = read_parameters(job, frozenset(), REQUIRED | DEPLOYED | REVIEWED)
        if "statements" in given:
            parameters = read_parameters(job, DEPLOYED, REVIEWED)
            variables = _sign_deployment(pipeline, parameters, context.invoked_function_arn)
        else:
            parameters = read_parameters(job, REQUIRED)
            variables = _sign_release(parameters, context.invoked_function_arn)
    except Exception as error:
        message = f"Nothing was signed: {type(error).__name__}: {error}"
        problem = log_problem("SignerErrors", message)
        is_deployment = "statements" in parameters
        # If the job failed, a stage without an approval would roll back the deployment.
        if is_deployment and ("reviewed" not in parameters or is_exception(parameters["image"])):
            variables = problem
        elif is_deployment or not is_exception(parameters.get("image", "")):
            fail_job(pipeline, job["id"], problem["Problem"])
            return
        else:
            # The folder has no statements, so `approval_check` lets a stage pass only if an exception allows the image.
            folder = f"{os.environ['SERVICE']}/{parameters['execution']}/{FOLDER}"
            variables = {"Statements": folder, "Signer": "none"}
    answer_job(pipeline.put_job_success_result, jobId=job["id"], outputVariables=variables)


def _sign_release(parameters: dict[str, str], signer: str) -> dict[str, str]:
    """Examine the release, and store signed statements about it. Return the variables of the pipeline's action."""
    import boto3

    s3, kms = boto3.client("s3"), boto3.client("kms")
    key = os.environ["SIGNING_KEY"]
    public = kms.get_public_key(KeyId=key)["PublicKey"]
    fingerprint = hashlib.sha256(public).hexdigest()
    release, policy = _examine(s3, parameters, signer)
    files = {name: _signed(kms, key, fingerprint, payload) for name, payload in statement_payloads(release).items()}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    now = moment(datetime.now(UTC))
    last = _signed(kms, key, fingerprint, release_payload(release, digests, now))
    # The release statement is stored last: without it, a folder is not finished.
    files = {SCAN_POLICY: policy, PUBLIC_KEY: _pem(public), **files, RELEASE: last}
    prefix = _store(s3, f"{os.environ['SERVICE']}/{parameters['execution']}/{FOLDER}", files)
    _list(s3, release, prefix)
    return {"Statements": prefix, "Signer": fingerprint}


def _sign_deployment(pipeline: Any, parameters: dict[str, str], signer: str) -> dict[str, str]:
    """Examine a deployment, and store a signed statement about it. Return the variables of the pipeline's action."""
    import boto3

    s3, kms, key = boto3.client("s3"), boto3.client("kms"), os.environ["SIGNING_KEY"]
    statement = deployment_statement(s3, pipeline, parameters, signer)
    fingerprint = hashlib.sha256(kms.get_public_key(KeyId=key)["PublicKey"]).hexdigest()
    _put(s3, statement.key, _signed(kms, key, fingerprint, statement.payload))
    # CloudWatch keeps the states of alarms for 30 days, so people must be notified soon.
    problem = log_problem("SignerErrors", statement.problem) if statement.problem else {}
    return {"Statement": statement.key, **problem}


def _signed(kms: Any, key: str, fingerprint: str, payload: bytes) -> bytes:
    """Sign a payload, and return its envelope. KMS gets only the digest, because it accepts at most 4,096 bytes."""
    answer = kms.sign(
        KeyId=key,
        Message=hashlib.sha256(signed_bytes(payload)).digest(),
        MessageType="DIGEST",
        SigningAlgorithm="ECDSA_SHA_256",
    )
    return envelope(payload, fingerprint, answer["Signature"])


def _pem(der: bytes) -> bytes:
    text = base64.b64encode(der).decode()
    lines = [text[begin : begin + 64] for begin in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""]).encode()


def _examine(s3: Any, parameters: dict[str, str], signer: str) -> tuple[SignedRelease, bytes]:
    """Return the verified facts about the release, and the scan policy. Raises `ValueError` if the facts conflict."""
    import boto3

    ecr = boto3.client("ecr")
    repository, image, pushed_at = _image(ecr, parameters)
    verdict, judged_at = _verdict(s3, parameters)
    reports, tests, policy = _reports(s3, verdict["reports"])
    source, bases = _source(s3, boto3.client("codepipeline"), parameters["execution"])
    reviewed = os.environ["TEMPLATES_BUCKET"], os.environ["TEMPLATES_KEY"], parameters["templatesVersion"]
    templates = _read_version(s3, *reviewed)
    release = SignedRelease(
        service=os.environ["SERVICE"],
        repository=repository,
        image=image,
        pushed_at=pushed_at,
        parameters=parameters,
        builder=os.environ["BUILDER"],
        gate=os.environ["GATE"],
        signer=signer,
        build_specification=os.environ["BUILDSPEC_SHA256"],
        source=Document("source", *source),
        templates=Document(TEMPLATES_ARCHIVE, *templates),
        policy=Document(SCAN_POLICY, "", hashlib.sha256(policy).hexdigest()),
        judged_at=judged_at,
        environments=os.environ["ENVIRONMENTS"].split(","),
        reports=reports,
        evidence=_evidence(s3, parameters["execution"]),
        base_images=bases,
        tests=tests,
        vulnerabilities=read_findings(ecr, repository.partition("/")[2], f"sha256:{image}", pushed_at),
    )
    return release, policy


def _image(ecr: Any, parameters: dict[str, str]) -> tuple[str, str, str]:
    """Return the repository, the SHA-256 and the push time of the image.

    The tag of an image contains the version and the digest of the image's source. A tag cannot be moved to another
    image. Raises `ValueError` if the tag for this source belongs to another image.
    """
    repository, _, digest = parameters["image"].partition("@")
    if repository != os.environ["REPOSITORY"] or not DIGEST.fullmatch(digest):
        raise ValueError(f"{parameters['image']} does not name an image in {os.environ['REPOSITORY']} by its digest")
    version = re.sub("[^A-Za-z0-9._-]", "-", parameters["sourceVersion"])[:110]
    tag = f"v-{version}-{parameters['sourceDigest'][:12]}"
    name = repository.partition("/")[2]
    (detail,) = ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": tag}])["imageDetails"]
    if detail["imageDigest"] != digest:
        raise ValueError(f"the tag {tag} is on the image {detail['imageDigest']}, not on {digest}")
    return repository, digest.removeprefix("sha256:"), moment(detail["imagePushedAt"])


def _verdict(s3: Any, parameters: dict[str, str]) -> tuple[dict[str, Any], str]:
    """Return the gate's decision and its time. Raises `ValueError` if the gate did not let this release pass."""
    key = parameters["reportKey"]
    folder = re.escape(f"{os.environ['SERVICE']}/{parameters['execution']}/")
    if not re.fullmatch(rf"{folder}verdict(-[1-9][0-9]*)?\.json", key):
        raise ValueError(f"{key} is not the key of a decision about this execution")
    answer = s3.get_object(Bucket=os.environ["EVIDENCE_BUCKET"], Key=key)
    verdict = json.loads(answer["Body"].read())
    expected = {
        "verdict": "PASS",
        "source_digest": parameters["sourceDigest"],
        "source_version": parameters["sourceVersion"],
        "templates_version": parameters["templatesVersion"],
    }
    for name, value in expected.items():
        if verdict[name] != value:
            raise ValueError(f"{key} has {name} {verdict[name]!r} instead of {value!r}")
    return verdict, moment(answer["LastModified"])


def _reports(s3: Any, stored: dict[str, dict[str, str]]) -> tuple[list[Document], list[CheckedTests], bytes]:
    """Return the reports of the checks, the test results in the reports, and the scan policy.

    The function reads exactly the versions that the gate read. The environment variable `TEST_CHECKS` has the names of
    the checks that run tests, separated by commas. Each report's archive contains a copy of the policy, and all copies
    must be equal. If the application has no policy, the returned policy is empty.
    """
    documents, tests, policies = [], [], set()
    for check, report in sorted(stored.items()):
        content = io.BytesIO()
        uri, sha256 = _read_version(s3, os.environ["ARTIFACTS_BUCKET"], report["key"], report["version"], content)
        if sha256 != report["sha256"]:
            raise ValueError(f"the report of {check} is not the report that the gate read")
        documents.append(Document(f"reports/{check}.zip", uri, sha256, f"build of the check {check}"))
        runs_tests = check in os.environ["TEST_CHECKS"].split(",")
        entries = read_entries(content.getvalue(), [SCAN_POLICY, *([TEST_REPORT] if runs_tests else [])])
        policies.add(entries.get(SCAN_POLICY, b""))
        if runs_tests:
            names = names_by_outcome(entries[TEST_REPORT])
            tests.append(CheckedTests(check, documents[-1], names["passed"], names["failed"]))
    if len(policies) != 1:
        raise ValueError(f"the reports have {len(policies)} different scan policies")
    return documents, tests, policies.pop()


def _source(s3: Any, pipeline: Any, execution: str) -> tuple[tuple[str, str], list[str]]:
    """Return the address and the SHA-256 of the source archive, and the base images in its Dockerfile.

    Raises `ValueError` if the Dockerfile is too long, if it has an image without a digest, or if programs could unpack
    the archive in different ways.
    """
    dockerfile = os.environ["DOCKERFILE"]
    location = find_artifacts(pipeline, execution, [SOURCE_ARTIFACT])[SOURCE_ARTIFACT]
    with tempfile.TemporaryFile() as file:
        found = _read_version(s3, location["bucket"], location["key"], into=file)
        with zipfile.ZipFile(file) as archive:
            if problem := unclear_directory(archive):
                raise ValueError(f"the source has {problem}, so two programs can unpack different files from it")
            if unclear := differing_local_name(archive):
                raise ValueError(f"the source has the entry {unclear!r}, which programs unpack in different ways")
            with archive.open(only_file(archive.infolist(), dockerfile)) as content:
                data = content.read(MAX_DOCKERFILE_BYTES + 1)
    if len(data) > MAX_DOCKERFILE_BYTES:
        raise ValueError(f"{dockerfile} has more than {MAX_DOCKERFILE_BYTES} bytes")
    return found, base_images(data.decode("utf-8"))


def _evidence(s3: Any, execution: str) -> list[Document]:
    """Return the evidence that other roles of the pipeline have stored for this execution."""
    bucket, prefix = os.environ["EVIDENCE_BUCKET"], f"{os.environ['SERVICE']}/{execution}/"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [each["Key"] for page in pages for each in page.get("Contents", ())]
    return [
        Document(f"evidence/{key.removeprefix(prefix)}", *_read_version(s3, bucket, key), "a role of this pipeline")
        for key in sorted(keys)
        if not key.startswith(f"{prefix}{FOLDER}")
    ]


def _read_version(s3: Any, bucket: str, key: str, version: str = "", into: IO[bytes] | None = None) -> tuple[str, str]:
    """Read a version of an S3 object, by default the newest one, and write its bytes to `into`.

    Return the address and the SHA-256 of this version. The address includes the version id.
    """
    answer = s3.get_object(Bucket=bucket, Key=key, **({"VersionId": version} if version else {}))
    digest = hashlib.sha256()
    for chunk in answer["Body"].iter_chunks(CHUNK_BYTES):
        digest.update(chunk)
        if into:
            into.write(chunk)
    return f"s3://{bucket}/{key}?versionId={answer['VersionId']}", digest.hexdigest()


def _list(s3: Any, release: SignedRelease, folder: str) -> None:
    """Store an index entry: an S3 object whose key contains the digest of the image and the name of `folder`.

    Deployment hooks search for the digest, and read in the key which folder has the statements. The entry needs no
    signature, because the hooks verify the statements. If the entry exists, do nothing.
    """
    from botocore.exceptions import ClientError

    key = list_of_digest(release.service, release.image) + folder.partition("/")[2]
    body = canonical_json({"statements": folder})
    try:
        s3.put_object(
            Bucket=os.environ["EVIDENCE_BUCKET"], Key=key, Body=body, IfNoneMatch="*", ChecksumAlgorithm="SHA256"
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "PreconditionFailed":
            raise


def _store(s3: Any, prefix: str, files: dict[str, bytes]) -> str:
    """Store the files below `prefix`. If files exist there, add a number to the prefix. Return the used prefix.

    Each attempt makes different signatures, so each attempt gets its own prefix. The files of earlier attempts remain.
    """
    from botocore.exceptions import ClientError

    for number in range(1, MAX_ATTEMPTS + 1):
        numbered = f"{prefix}-{number}" if number > 1 else prefix
        try:
            for name, content in files.items():
                _put(s3, f"{numbered}/{name}", content)
        except ClientError as error:
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise
        else:
            return numbered
    raise ValueError(f"{prefix} and all numbered prefixes up to {prefix}-{MAX_ATTEMPTS} already have statements")


def _put(s3: Any, key: str, content: bytes) -> None:
    """Store a new object as evidence. A bucket with Object Lock requires the checksum."""
    s3.put_object(
        Bucket=os.environ["EVIDENCE_BUCKET"], Key=key, Body=content, IfNoneMatch="*", ChecksumAlgorithm="SHA256"
    )
