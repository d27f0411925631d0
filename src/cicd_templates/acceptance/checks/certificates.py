"""Imports a certificate for the load balancers of each runtime environment, and finds it again by its tag."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from cicd_templates.acceptance.check import Check, CheckContext, CheckMustWait, LocalCoverage, require
from cicd_templates.acceptance.checks.rendering import render_with
from cicd_templates.acceptance.project import RUNTIME
from cicd_templates.errors import CicdError

TAG = "acceptance-run"
DAYS = 3
ATTEMPTS, PAUSE_SECONDS = 20, 30.0
# ListCertificates returns only certificates with RSA keys of 1,024 and 2,048 bits unless other types are named:
# https://docs.aws.amazon.com/acm/latest/APIReference/API_Filters.html
KEY_TYPE = "EC_prime256v1"


def own_certificates(acm: Any, suffix: str) -> list[str]:
    """Return the ARNs of the certificates that this run has imported into the account and region of `acm`."""
    pages = acm.get_paginator("list_certificates").paginate(Includes={"keyTypes": [KEY_TYPE]})
    arns = [summary["CertificateArn"] for page in pages for summary in page["CertificateSummaryList"]]
    return [arn for arn in arns if _run_of(acm, arn) == suffix]


def _run_of(acm: Any, arn: str) -> str:
    tags = {tag["Key"]: tag.get("Value", "") for tag in acm.list_tags_for_certificate(CertificateArn=arn)["Tags"]}
    return str(tags.get(TAG, ""))


def make_certificate(name: str, folder: Path) -> tuple[bytes, bytes]:
    """Return a new self-signed certificate for `name`, and its private key, both as PEM.

    The program openssl writes both to a temporary subfolder of `folder`. Raises `CicdError` if openssl fails.
    """
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        certificate, key = Path(temporary, "certificate.pem"), Path(temporary, "key.pem")
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        command += ["-days", str(DAYS), "-subj", "/CN=acceptance", "-addext", f"subjectAltName=DNS:{name}"]
        # Python 3.13 refuses an authority without this extension.
        command += ["-addext", "keyUsage=critical,digitalSignature,keyCertSign"]
        command += ["-keyout", str(key), "-out", str(certificate)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - a fixed command
        except OSError as error:
            raise CicdError(f"openssl could not make the certificate of the run: {error.strerror}") from None
        if done.returncode:
            raise CicdError(f"openssl: {done.stderr.strip()}")
        return certificate.read_bytes(), key.read_bytes()


def import_certificates(context: CheckContext) -> str:
    """Import a certificate for each runtime environment.

    If the run was interrupted after an import, use the imported certificate.
    """
    certificates, trusted = {}, []
    for environment in RUNTIME:
        access, acm = context.access[environment], context.clients(environment).acm
        known = own_certificates(acm, context.project.suffix)
        if not known:
            certificate, key = make_certificate(access.certificate_name, context.project.folder)
            tags = [{"Key": TAG, "Value": context.project.suffix}]
            imported = acm.import_certificate(Certificate=certificate, PrivateKey=key, Tags=tags)
            known = [imported["CertificateArn"]]
        described = acm.describe_certificate(CertificateArn=known[0])["Certificate"]
        require(described["Status"] == "ISSUED", f"the certificate of {environment} is {described['Status']}")
        certificates[environment] = known[0]
        trusted.append(acm.get_certificate(CertificateArn=known[0])["Certificate"].strip())
    render_with(context, certificates=certificates, trusted="\n".join(trusted))
    count = len(set(certificates.values()))
    plural = "certificate, valid for {} days, was" if count == 1 else "certificates, valid for {} days, were"
    return f"{count} self-signed {plural.format(DAYS)} imported for {' and '.join(RUNTIME)}"


def remove_certificates(context: CheckContext, environment: str) -> None:
    """Delete the certificates that this run has imported into the account and region of an environment.

    After a load balancer was deleted, ACM reports for some time that the certificate is in use. Raises `CheckMustWait`
    if this lasts more than ten minutes.
    """
    acm = context.clients(environment).acm
    for arn in own_certificates(acm, context.project.suffix):
        attempt = 1
        while not _is_deleted(acm, arn):
            if attempt == ATTEMPTS:
                raise CheckMustWait(f"ACM still says that the certificate of {environment} is in use; try again later")
            attempt += 1
            context.pause(PAUSE_SECONDS)


def _is_deleted(acm: Any, arn: str) -> bool:
    """Try to delete a certificate, and return whether ACM deleted it."""
    try:
        acm.delete_certificate(CertificateArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceInUseException":
            raise
        return False
    return True


CERTIFICATES = Check(
    "certificates",
    "Load balancers can serve TLS with a certificate that was made for this run and that only this run trusts.",
    import_certificates,
    safe_to_continue=False,
    local_coverage=LocalCoverage.STEPS_ONLY,
    local_limit="the local AWS stores certificates, but its load balancers do not answer requests",
)
