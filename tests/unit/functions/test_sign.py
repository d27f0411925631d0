"""The signer reads everything that it attests, and `verify-evidence` accepts what it signs."""

from __future__ import annotations

import base64
import io
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from cicd_templates.evidence.instructions import INSTRUCTIONS, instructions
from cicd_templates.evidence.verification import Verification, verify_folder
from cicd_templates.functions import evidence_format as form
from cicd_templates.functions import sign
from tests.fakes import unsigned_exceptions
from tests.fakes.signing_account import (
    BASE,
    DIGEST,
    ENVIRONMENT,
    EXECUTION,
    JUNIT,
    PARAMETERS,
    REPOSITORY,
    SERVICE,
    TREE,
    SigningAccount,
    archive,
)

JOB = "11111111-2222-3333-4444-555555555555"
SIGNER = "arn:aws:lambda:eu-central-1:111122223333:function:shop-tools-basket-signer"
PREFIX = f"{SERVICE}/{EXECUTION}/signed"
DOCKERFILE = ENVIRONMENT["DOCKERFILE"]


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> SigningAccount:
    account = SigningAccount()
    monkeypatch.setattr(boto3, "client", account.client)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return account


def answer(account: SigningAccount, **parameters: str) -> tuple[str, dict[str, Any]]:
    """Invoke the function, and return its only answer."""
    configuration = {"configuration": {"UserParameters": json.dumps(PARAMETERS | parameters)}}
    event = {"CodePipeline.job": {"id": JOB, "data": {"actionConfiguration": configuration}}}
    sign.handler(event, SimpleNamespace(invoked_function_arn=SIGNER))
    (only,) = account.answers
    account.answers.clear()
    return only


def signed(account: SigningAccount, prefix: str = PREFIX) -> dict[str, bytes]:
    keys = [key for bucket, key in account.objects if bucket == "evidence" and key.startswith(f"{prefix}/")]
    return {key.removeprefix(f"{prefix}/"): account.objects["evidence", key][-1][1] for key in keys}


def predicate(account: SigningAccount, name: str) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(base64.b64decode(json.loads(signed(account)[name])["payload"]))
    assert payload["subject"][0] == {"name": REPOSITORY, "digest": {"sha256": "1" * 64}}
    return dict(payload["predicate"])


def collected(account: SigningAccount, folder: Path, fingerprint: str) -> Verification:
    """Collect what the release statement lists into a folder, and verify the folder."""
    files = signed(account)
    for name, uri in predicate(account, form.RELEASE)["locations"].items():
        bucket, _, rest = uri.removeprefix("s3://").partition("/")
        key, _, version = rest.partition("?versionId=")
        files[name] = dict(account.objects[bucket, key])[version]
    files[INSTRUCTIONS] = instructions(f"{REPOSITORY}@{DIGEST}", fingerprint).encode()
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return verify_folder(folder, fingerprint, ["staging", "production"])


def test_what_is_signed_verifies(account: SigningAccount, tmp_path: Path) -> None:
    result, request = answer(account)
    fingerprint = request["outputVariables"]["Signer"]

    assert (result, request["outputVariables"]["Statements"]) == ("success", PREFIX)
    assert collected(account, tmp_path, fingerprint) == Verification(
        [], fingerprint, f"{REPOSITORY}@{DIGEST}",
        {
            "execution": EXECUTION, "service": SERVICE, "sourceVersion": "v/1", "templatesVersion": "t-1",
            "signedOn": predicate(account, form.RELEASE)["signedOn"],
        },
        11, undeployed=["staging", "production"], has_route=True,
    )  # fmt: skip


def test_the_release_statement_names_the_environments_of_the_pipeline(account: SigningAccount) -> None:
    answer(account)

    assert predicate(account, form.RELEASE)["environments"] == ["staging", "production"]


def test_the_provenance_names_what_the_signer_has_looked_at(account: SigningAccount) -> None:
    answer(account)
    provenance = predicate(account, form.PROVENANCE)
    dependencies = provenance["buildDefinition"]["resolvedDependencies"]

    assert [(each["name"], each["uri"]) for each in dependencies] == [
        ("source", "s3://artifacts/basket-shop-tools/App/x?versionId=a-1"),
        ("source-tree", "urn:cicd-templates:source-tree:1"),
        ("templates.zip", "s3://templates/templates.zip?versionId=t-1"),
        ("build-specification", ENVIRONMENT["BUILDER"]),
        ("base-image", f"oci://public.ecr.aws/docker/library/python:3.13@sha256:{BASE}"),
    ]
    assert dependencies[1]["digest"] == {"sourceTree1": TREE}
    assert provenance["buildDefinition"]["externalParameters"] == {"service": SERVICE, "sourceVersion": "v/1"}
    assert provenance["runDetails"] == {
        "builder": {"id": ENVIRONMENT["BUILDER"]},
        "metadata": {"invocationId": EXECUTION, "finishedOn": "2026-11-24T00:00:00+00:00"},
    }


def with_dockerfile(text: str) -> Callable[[SigningAccount], None]:
    source = archive(services__basket__Dockerfile=text)
    return lambda account: account.put("artifacts", "basket-shop-tools/App/x", source, "a-2")


def test_the_provenance_names_every_base_image_with_its_digest_and_no_other_text(account: SigningAccount) -> None:
    python, java = "public.ecr.aws/docker/library/python:3.13@sha256:", "public.ecr.aws/x/java:21-JRE@sha256:"
    with_dockerfile(
        f"FROM {python}{'b' * 64} AS one\nFROM {python}{'a' * 64}\nCOPY --from={java}{'c' * 64} / /\n"
        f"RUN echo public.ecr.aws/x/y@sha256:{'d' * 64}\n"
    )(account)
    answer(account)
    dependencies = predicate(account, form.PROVENANCE)["buildDefinition"]["resolvedDependencies"]

    assert [(each["uri"], each["digest"]) for each in dependencies if each["name"] == "base-image"] == [
        (f"oci://{name}{letter * 64}", {"sha256": letter * 64})
        for name, letter in ((python, "a"), (python, "b"), (java, "c"))
    ]


def test_what_builds_wrote_is_listed_as_received(account: SigningAccount) -> None:
    answer(account)
    received = predicate(account, form.RECEIVED)

    assert received["attester"] == {"id": SIGNER}
    assert [(each["name"], each["annotations"]["origin"]) for each in received["references"]] == [
        ("reports/bandit.zip", "build of the check bandit"),
        ("reports/unit-tests.zip", "build of the check unit-tests"),
        ("evidence/sbom.cdx.json", "a role of this pipeline"),
        ("evidence/verdict.json", "a role of this pipeline"),
    ]
    summary = predicate(account, form.VERIFICATION_SUMMARY)
    assert (summary["verifier"], summary["verificationResult"]) == ({"id": ENVIRONMENT["GATE"]}, "PASSED")
    assert [each["uri"][-3:] for each in summary["inputAttestations"]] == ["r-1", "r-2"]


def test_tests_are_attested_for_the_source_with_the_report_that_lists_them(account: SigningAccount) -> None:
    answer(account)
    name = form.name_of_test_result("unit-tests")
    statement = json.loads(base64.b64decode(json.loads(signed(account)[name])["payload"]))
    source = predicate(account, form.PROVENANCE)["buildDefinition"]["resolvedDependencies"][0]

    assert [subject["digest"] for subject in statement["subject"]] == [source["digest"]]
    assert statement["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    tests = statement["predicate"]
    assert (tests["result"], tests["passedTests"], tests["failedTests"]) == ("PASSED", ["b.adds", "b.removes"], [])
    assert [each["uri"] for each in tests["configuration"]] == ["s3://templates/templates.zip?versionId=t-1"]
    assert tests["report"] in predicate(account, form.RECEIVED)["references"]


def test_what_the_registry_found_in_the_image_is_attested(account: SigningAccount) -> None:
    answer(account)
    found = predicate(account, form.VULNERABILITIES)

    assert found["scanner"] == {
        "uri": "https://aws.amazon.com/ecr/",
        "db": {"uri": "https://aws.amazon.com/ecr/", "lastUpdate": "2026-11-23T00:00:00+00:00"},
        "result": [
            {"id": "CVE-1", "severity": [{"method": "ECR", "score": "UNDEFINED"}], "annotations": []},
            {
                "id": "CVE-2",
                "severity": [{"method": "ECR", "score": "LOW"}, {"method": "CVSS3_SCORE", "score": "3.1"}],
                "annotations": [{"package_name": "zlib"}],
            },
        ],
    }
    assert found["metadata"] == {
        "scanStartedOn": "2026-11-24T00:00:00+00:00",
        "scanFinishedOn": "2026-11-24T00:01:00+00:00",
    }


def test_what_inspector_found_is_attested_with_its_packages(account: SigningAccount) -> None:
    details = {
        "vulnerabilityId": "CVE-3",
        "cvss": [{"source": "NVD", "version": "3.1", "baseScore": 9.8}, {"version": "2.0"}],
        "vulnerablePackages": [{"name": "zlib", "version": "1.2", "fixedInVersion": "1.3", "arch": "X86_64"}],
    }
    account.scan = {
        "imageScanStatus": {"status": "ACTIVE"},
        "imageScanFindings": {
            "enhancedFindings": [
                {"severity": "CRITICAL", "packageVulnerabilityDetails": details},
                {"title": "A finding without details"},
            ]
        },
    }
    answer(account)
    found = predicate(account, form.VULNERABILITIES)

    assert found["scanner"] == {
        "uri": "https://aws.amazon.com/inspector/",
        "db": {"uri": "https://aws.amazon.com/inspector/"},
        "result": [
            {
                "id": "A finding without details",
                "severity": [{"method": "Inspector", "score": "UNTRIAGED"}],
                "annotations": [],
            },
            {
                "id": "CVE-3",
                "severity": [
                    {"method": "Inspector", "score": "CRITICAL"},
                    {"method": "CVSS 3.1 NVD", "score": "9.8"},
                ],
                "annotations": [{"name": "zlib", "version": "1.2", "fixedInVersion": "1.3"}],
            },
        ],
    }
    assert found["metadata"] == {"scanStartedOn": "2026-11-24T00:00:00+00:00"}


def test_a_waived_failure_is_a_failed_test(account: SigningAccount, tmp_path: Path) -> None:
    report = '<testsuite><testcase name="adds"><failure/></testcase></testsuite>'
    account.put("artifacts", "basket-shop-tools/UnitTests/x", archive(report_dot_xml=report), "r-3")
    reports = account.verdict["reports"]
    assert isinstance(reports, dict)
    account.verdict["reports"] = reports | {"unit-tests": account.stored("basket-shop-tools/UnitTests/x")}
    _, request = answer(account)
    payload = json.loads(signed(account)[form.name_of_test_result("unit-tests")])["payload"]
    tests = json.loads(base64.b64decode(payload))["predicate"]

    assert (tests["result"], tests["passedTests"], tests["failedTests"]) == ("FAILED", [], ["adds"])
    assert collected(account, tmp_path, request["outputVariables"]["Signer"]).problems == []


def test_a_service_without_test_checks_has_no_statement_about_tests(
    account: SigningAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_CHECKS", "")
    answer(account)

    assert not [name for name in signed(account) if name.startswith(form.TEST_RESULTS)]


def test_a_further_attempt_is_stored_beside_and_does_not_attest_the_earlier_one(account: SigningAccount) -> None:
    prefixes = [answer(account)[1]["outputVariables"]["Statements"] for _ in range(sign.MAX_ATTEMPTS)]

    assert prefixes == [PREFIX, *(f"{PREFIX}-{number}" for number in range(2, sign.MAX_ATTEMPTS + 1))]
    names = predicate(account, form.RELEASE)["locations"]
    assert not [name for name in names if "signed" in name]
    result, request = answer(account)
    assert (result, "already have statements" in request["failureDetails"]["message"]) == ("failure", True)


@pytest.mark.parametrize(
    "name", ["sbom.cdx\n.json", "sbom.cdx/../x.json", "sbom.cdx é.json", f"sbom.cdx{'x' * 100}.json"]
)
def test_evidence_that_nobody_could_collect_is_not_signed(account: SigningAccount, name: str) -> None:
    account.put("evidence", f"{SERVICE}/{EXECUTION}/{name}", b"{}", "s-2")
    result, request = answer(account)

    expected = f"the evidence has {f'evidence/{name}'!r}, which is not a valid file name"
    assert (result, expected in request["failureDetails"]["message"]) == ("failure", True), request
    assert signed(account) == {}


def test_a_release_that_cannot_be_listed_by_its_digest_is_refused(account: SigningAccount) -> None:
    store = account._PutObject

    def put(Key: str, **more: Any) -> dict[str, Any]:  # noqa: N803
        if "/digests/" in Key:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObject")
        return store(Key=Key, **more)

    account._PutObject = put  # type: ignore[method-assign,assignment]
    result, request = answer(account)

    assert (result, "AccessDenied" in request["failureDetails"]["message"]) == ("failure", True)


@pytest.mark.parametrize(
    ("image", "days", "expected"),
    [
        pytest.param(PARAMETERS["image"], 1, "success", id="an exception"),
        pytest.param(PARAMETERS["image"], -1, "failure", id="an exception that has ended"),
        pytest.param(f"{PARAMETERS['image'][:-1]}0", 1, "failure", id="an exception for another image"),
    ],
)
def test_a_release_that_cannot_be_signed_continues_only_with_an_exception_and_is_reported(
    account: SigningAccount,
    image: str,
    days: int,
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    variable = unsigned_exceptions.variable("staging", unsigned_exceptions.exception(image, days))
    monkeypatch.setenv("UNSIGNED_IMAGES", variable)
    account.denied = {"Sign"}
    result, request = answer(account)

    assert result == expected
    if expected == "success":
        assert request["outputVariables"] == {"Statements": PREFIX, "Signer": "none"}
    told = capsys.readouterr().out
    assert "Nothing was signed: ClientError" in told
    assert '"SignerErrors": 1' in told


def without_a_source(account: SigningAccount) -> None:
    account.put("artifacts", "basket-shop-tools/App/x", archive(README_dot_md=""), "a-2")


def with_entries(*entries: tuple[str, int]) -> Callable[[SigningAccount], None]:
    """Give the source entries with these names and types, each with a Dockerfile as its content."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as written:
        for name, kind in entries:
            entry = zipfile.ZipInfo(name)
            entry.create_system, entry.external_attr = 3, kind << 16
            written.writestr(entry, "FROM scratch\n")
    return lambda account: account.put("artifacts", "basket-shop-tools/App/x", target.getvalue(), "a-2")


def with_another_local_name(account: SigningAccount) -> None:
    other = f"{DOCKERFILE[:-1]}f"
    source = archive(services__basket__Dockerfile="FROM scratch\n", services__basket__Dockerfilf="FROM scratch\n")
    account.put("artifacts", "basket-shop-tools/App/x", source.replace(other.encode(), DOCKERFILE.encode(), 1), "a-2")


def with_text_after_the_end(account: SigningAccount) -> None:
    account.put(
        "artifacts", "basket-shop-tools/App/x", archive(services__basket__Dockerfile="FROM scratch\n") + b"#", "a-2"
    )


def another_policy(account: SigningAccount) -> None:
    account.put(
        "artifacts",
        "basket-shop-tools/UnitTests/x",
        archive(**{"scan-policy_dot_toml": "#", "report_dot_xml": JUNIT}),
        "r-3",
    )
    account.verdict["reports"] = account.verdict["reports"] | {  # type: ignore[operator]
        "unit-tests": account.stored("basket-shop-tools/UnitTests/x")
    }


@pytest.mark.parametrize(
    ("prepare", "parameters", "message"),
    [
        pytest.param(
            lambda account: account.image.update(imageDigest="sha256:2"), {},
            f"the tag v-v-1-{TREE[:12]} is on the image sha256:2, not on {DIGEST}", id="another image",
        ),
        pytest.param(
            None, {"image": f"docker.io/x@{DIGEST}"}, f"docker.io/x@{DIGEST} does not name an image in {REPOSITORY}",
            id="another repository",
        ),
        *(
            pytest.param(
                None, {"image": image}, f"{image.rstrip()} does not name an image in {REPOSITORY} by its digest",
                id=image[-9:],
            )
            for image in (REPOSITORY, f"{REPOSITORY}:v1", f"{REPOSITORY}@sha256:{'1' * 63}", f"{REPOSITORY}@{DIGEST}\n",
                          f"{REPOSITORY}@sha512:{'1' * 64}", f"{REPOSITORY}@sha256:{'A' * 64}")
        ),
        pytest.param(None, {"sourceVersion": "v/2"}, "KeyError: 'v-v-2-", id="an image of another version"),
        pytest.param(
            lambda account: account.verdict.update(verdict="FAIL"), {}, "has verdict 'FAIL' instead of 'PASS'",
            id="a release that failed",
        ),
        pytest.param(
            lambda account: account.verdict.update(source_digest="0"), {}, "has source_digest '0' instead of",
            id="another source",
        ),
        pytest.param(
            None, {"templatesVersion": "t-2"}, "has templates_version 't-1' instead of 't-2'", id="other templates"
        ),
        pytest.param(
            None, {"reportKey": f"{SERVICE}/e-0/verdict.json"}, "is not the key of a decision",
            id="the decision of another run",
        ),
        *(
            pytest.param(
                None, {"reportKey": f"{SERVICE}/{EXECUTION}/{name}"}, "is not the key of a decision", id=name
            )
            for name in ("verdict", "verdict.json.txt", "verdicts/x.json", "verdict-0.json", "verdict-2.json/x")
        ),
        pytest.param(
            lambda account: account.verdict["reports"]["bandit"].update(sha256="0"), {},
            "the report of bandit is not the report that the gate read", id="another report",
        ),
        pytest.param(another_policy, {}, "the reports have 2 different scan policies", id="two policies"),
        pytest.param(
            without_a_source, {}, "the zip file has 0 files named services/basket/Dockerfile", id="no Dockerfile"
        ),
        pytest.param(
            with_dockerfile("FROM scratch\n" + "#" * (1 << 20)), {},
            "ValueError: services/basket/Dockerfile has more than 1048576 bytes", id="a Dockerfile that is too long",
        ),
        pytest.param(
            with_entries((DOCKERFILE, stat.S_IFREG), (f"./{DOCKERFILE}", stat.S_IFREG)), {},
            "entry './services/basket/Dockerfile', which programs unpack in different ways", id="two Dockerfiles",
        ),
        pytest.param(
            with_another_local_name, {},
            "entry 'services/basket/Dockerfilf', which programs unpack in different ways", id="a second name",
        ),
        pytest.param(
            with_text_after_the_end, {},
            "the source has text after the end, so two programs can unpack different files from it",
            id="more than an archive",
        ),
        pytest.param(
            with_entries((DOCKERFILE, stat.S_IFLNK)), {}, f"{DOCKERFILE} is a link or another special file", id="a link"
        ),
        pytest.param(with_dockerfile("FROM python:3"), {}, "'python:3' without a digest", id="an unpinned base image"),
        pytest.param(
            lambda account: account.scan.update(imageScanStatus={"status": "FAILED"}), {},
            f"the registry's scan of {DIGEST} has status FAILED", id="an image without a scan",
        ),
        pytest.param(lambda account: account.denied.add("Sign"), {}, "AccessDenied", id="no right to sign"),
        pytest.param(lambda account: account.denied.add("PutObject"), {}, "AccessDenied", id="no right to store"),
    ],
)  # fmt: skip
def test_nothing_is_signed_for_what_does_not_fit(
    account: SigningAccount,
    prepare: Callable[[SigningAccount], object] | None,
    parameters: dict[str, str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if prepare:
        prepare(account)
    result, request = answer(account, **parameters)

    assert result == "failure"
    assert request["failureDetails"]["message"].startswith("Nothing was signed: ")
    assert message in request["failureDetails"]["message"]
    logged, counted = capsys.readouterr().out.splitlines()
    assert logged == request["failureDetails"]["message"]
    metrics = json.loads(counted)
    assert (metrics["SignerErrors"], metrics["PipelineName"]) == (1, ENVIRONMENT["PIPELINE"])
    assert metrics["_aws"]["CloudWatchMetrics"][0]["Namespace"] == ENVIRONMENT["NAMESPACE"]
    assert signed(account) == {}
