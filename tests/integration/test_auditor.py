"""An auditor collects the evidence of a rehearsed release with the policy for auditors and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from cicd_templates.cli.verbs.evidence import BUCKETS
from cicd_templates.deploy.releases.collected_evidence import verify_collected
from cicd_templates.deploy.releases.deployment_history import read_deployment_history
from cicd_templates.deploy.releases.evidence_folder import write_evidence_folder
from cicd_templates.deploy.releases.signed_releases import EvidenceStore, ReleaseQuery, find_release
from cicd_templates.evidence.public_key import read_der_public_key
from cicd_templates.functions.evidence_format import VULNERABILITIES
from cicd_templates.rehearsal.sessions import Credentials, Session, maker
from tests.integration.rehearsed_example import Rehearsed, rehearsed

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.xdist_group("rehearsal")]
POLICY = "arn:aws:iam::111111111111:policy/shipping-tools-parcel-dispatcher-auditors"
SERVICE = "parcel-dispatcher"


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsed]:
    with rehearsed(tmp_path_factory.mktemp("rehearsal")) as example:
        yield example


@pytest.fixture(scope="module")
def auditor(passed: Rehearsed) -> Session:
    setup = passed.run.setup
    iam = setup.root_session(POLICY).client("iam")
    iam.create_user(UserName="auditor")
    iam.attach_user_policy(UserName="auditor", PolicyArn=POLICY)
    key = iam.create_access_key(UserName="auditor")["AccessKey"]
    return Session(Credentials(key["AccessKeyId"], key["SecretAccessKey"]), maker(setup.endpoint, setup.region))


def test_an_auditor_collects_and_verifies_the_evidence(passed: Rehearsed, auditor: Session, tmp_path: Path) -> None:
    paths = [f"/shipping/tools/storage/{name}" for name in BUCKETS]
    paths.append(f"/shipping/tools/signer-{SERVICE}/SigningKeyArn")
    ssm = auditor.client("ssm")
    *buckets, key = (ssm.get_parameter(Name=path)["Parameter"]["Value"] for path in paths)
    public = read_der_public_key(auditor.client("kms").get_public_key(KeyId=key)["PublicKey"])
    store = EvidenceStore(auditor.client("s3"), buckets[0], frozenset(buckets), public)
    folder = tmp_path / "evidence"
    release = find_release(store, ReleaseQuery(SERVICE))
    write_evidence_folder(store, release, folder)
    stages = {"staging": "Staging", "production": "Production"}
    pipeline = passed.run.pipeline.name
    history = read_deployment_history(auditor.client("codepipeline"), pipeline, release.execution, stages)
    result, excepted = verify_collected(folder, passed.run.variables["Sign"]["Signer"], release, history)

    assert (result.problems, excepted) == ([], {})
    assert history.statements == {f"deployments/{environment}/1.dsse.json" for environment in stages}
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"templates.zip", "reports/bandit.zip", "evidence/verdict.json", VULNERABILITIES} < files
    assert any(name.startswith("approvals/production/") for name in files)


@pytest.mark.parametrize("what", ["the source", "all evidence", "a secret", "a signature"])
def test_an_auditor_may_not_do_more(passed: Rehearsed, auditor: Session, what: str) -> None:
    s3 = auditor.client("s3")
    prefix = "shipping-tools"
    place = "111111111111-eu-central-1"
    attempts = {
        "the source": lambda: s3.get_object(Bucket=f"{prefix}-source-{place}", Key=f"{SERVICE}/source.zip"),
        "all evidence": lambda: s3.list_objects_v2(Bucket=f"{prefix}-evidence-{place}"),
        "a secret": lambda: auditor.client("secretsmanager").get_secret_value(
            SecretId=f"{prefix}-{SERVICE}-snyk-token"
        ),
        "a signature": lambda: auditor.client("kms").sign(
            KeyId=f"alias/{prefix}-{SERVICE}-signing",
            Message=b"x" * 32,
            MessageType="DIGEST",
            SigningAlgorithm="ECDSA_SHA_256",
        ),
    }
    with pytest.raises(ClientError, match="AccessDenied"):
        attempts[what]()
