"""Checks whether the certificates of listeners exist, are issued, and match the listener's region and domain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.resource_types.operations import NOT_FOUND_CODES
from cicd_templates.deploy.doctor.checks import Check, ExaminedEnvironment
from cicd_templates.template.arn import Arn
from cicd_templates.template.stack_template import StackTemplate

REQUEST = "aws acm request-certificate --region {region} --domain-name {domain} --validation-method DNS"


def check_certificates(examined: ExaminedEnvironment) -> Iterator[Check]:
    """Yield a result for each certificate that a load balancer's listener uses."""
    named = {
        certificate["CertificateArn"]: stack
        for stack, _, listener in examined.resources("AWS::ElasticLoadBalancingV2::Listener")
        for certificate in listener.get("Certificates", ())
        if isinstance(certificate["CertificateArn"], str)
    }
    for arn, stack in named.items():
        yield _check_certificate(examined, stack, arn)


def _check_certificate(examined: ExaminedEnvironment, stack: StackTemplate, arn: str) -> Check:
    domain = _domain(stack)
    command = REQUEST.format(region=stack.region, domain=domain)
    request = f"{command}\nthen set certificate_arn in environments.toml to the ARN of the new certificate"
    # A load balancer accepts certificates of its own region only:
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/https-listener-certificates.html
    if (region := Arn.parse(arn).region) != stack.region:
        return Check("certificate", f"{arn} is in {region}, but the load balancer is in {stack.region}", request)
    try:
        certificate = examined.clients.acm.describe_certificate(CertificateArn=arn)["Certificate"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in NOT_FOUND_CODES:
            raise
        return Check("certificate", f"{arn} does not exist", request)
    if certificate["Status"] != "ISSUED":
        return Check("certificate", f"{arn} is {certificate['Status']}", _records(certificate) or request)
    names = certificate.get("SubjectAlternativeNames") or [certificate["DomainName"]]
    if domain and not any(_covers(name, domain) for name in names):
        return Check("certificate", f"{arn} is for {', '.join(names)}, but the domain is {domain}", request)
    return Check("certificate", f"issued for {', '.join(names)}")


def _domain(stack: StackTemplate) -> str:
    """Return the host name in the stack's output `BaseUrl`, or an empty string if the stack has no such output."""
    url = stack.content.get("Outputs", {}).get("BaseUrl", {}).get("Value")
    return urlsplit(url).hostname or "" if isinstance(url, str) else ""


def _records(certificate: Mapping[str, Any]) -> str:
    """Return advice that lists the DNS records which ACM waits for before it issues the certificate.

    The result is empty if ACM does not wait for DNS records.
    """
    options = [option.get("ResourceRecord") for option in certificate.get("DomainValidationOptions", ())]
    records = [f"{record['Name']} {record['Type']} {record['Value']}" for record in options if record]
    return f"add the DNS records that ACM waits for: {'; '.join(records)}" if records else ""


def _covers(name: str, domain: str) -> bool:
    """Return whether `domain` matches a name of a certificate. A wildcard stands for exactly one label."""
    return name == domain or (name.startswith("*.") and domain.partition(".")[2] == name[2:])
