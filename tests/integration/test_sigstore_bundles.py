"""The bundles in a folder of evidence verify with npm's @sigstore/verify, if Node.js and npm are installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from cicd_templates.evidence.bundles import bundle_name
from cicd_templates.functions.evidence_format import (
    PREDICATE_TYPES,
    PUBLIC_KEY,
    RELEASE,
    VULNERABILITIES,
    name_of_deployment,
)
from tests.fakes.signed_evidence import TESTS, Signer, write_whole_evidence

pytestmark = [pytest.mark.long]
SOURCES = Path(__file__).parent / "sigstore"
SIGNER, STRANGER = Signer(), Signer()
DEPLOYMENTS = [name_of_deployment(environment, 1) for environment in ("staging", "production")]
DEPLOYMENTS.append(name_of_deployment("staging", 1, migration=True))
BUNDLES = sorted(map(bundle_name, (*PREDICATE_TYPES, VULNERABILITIES, TESTS, RELEASE, *DEPLOYMENTS)))


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the verifier as its lock file says, in a folder of its own. Return its script."""
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"@sigstore/verify needs {' and '.join(missing)}, which this machine does not have")
    folder = tmp_path_factory.mktemp("sigstore")
    for source in SOURCES.iterdir():
        shutil.copy(source, folder)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    installed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    if installed.returncode:
        pytest.skip(f"npm could not install @sigstore/verify: {installed.stderr.strip()[-300:]}")
    return folder / "verify.mjs"


def verify(verifier: Path, folder: Path, *names: str, fingerprint: str = SIGNER.fingerprint) -> tuple[int, str]:
    command = ["node", str(verifier), str(folder / PUBLIC_KEY), fingerprint, *names]
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    return answer.returncode, answer.stdout + answer.stderr


def test_every_bundle_verifies(verifier: Path, tmp_path: Path) -> None:
    folder = write_whole_evidence(tmp_path / "whole", SIGNER)
    names = sorted(path.relative_to(folder).as_posix() for path in (folder / "bundles").rglob("*.json"))

    assert names == BUNDLES
    assert verify(verifier, folder, *names) == (0, "".join(f"{name}\n" for name in names))


@pytest.mark.parametrize("name", BUNDLES)
def test_a_bundle_with_another_payload_does_not_verify(verifier: Path, tmp_path: Path, name: str) -> None:
    folder = write_whole_evidence(tmp_path / "whole", SIGNER)
    text = (folder / name).read_text()
    begin = text.index('"payload":"') + len('"payload":"')
    (folder / name).write_text(text[:begin] + ("f" if text[begin] == "e" else "e") + text[begin + 1 :])

    code, output = verify(verifier, folder, name)
    assert (code, output.startswith(f"{name}: ")) == (1, True), output


def test_a_bundle_of_another_key_does_not_verify(verifier: Path, tmp_path: Path) -> None:
    folder = write_whole_evidence(tmp_path / "whole", STRANGER)

    assert verify(verifier, folder, BUNDLES[0])[0] == 1
    (folder / PUBLIC_KEY).write_bytes(SIGNER.pem)
    code, output = verify(verifier, folder, BUNDLES[0], fingerprint=STRANGER.fingerprint)
    assert (code, "signature verification failed" in output) == (1, True), output
