"""Whether a listener's certificate is there, issued, in the region, and for the domain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.resource_types.operations import NOT_FOUND_CODES
from cicd_templates.deploy.doctor.checks import Check, Patient
from cicd_templates.template.stack_template import StackTemplate

REQUEST = "aws acm request-certificate --region {region} --domain-name {domain} --validation-method DNS"


def checks(patient: Patient) -> Iterator[Check]:
    """One check for each certificate that listeners name."""
    named = {
        each["CertificateArn"]: stack
        for stack, _, listener in patient.resources("AWS::ElasticLoadBalancingV2::Listener")
        for each in listener.get("Certificates", ())
        if isinstance(each["CertificateArn"], str)
    }
    for arn, stack in named.items():
        yield _checked(patient, stack, arn)


def _checked(patient: Patient, stack: StackTemplate, arn: str) -> Check:
    domain = _domain(stack)
    request = (
        f"{REQUEST.format(region=stack.region, domain=domain)}\nthen name it as certificate_arn in environments.toml"
    )
    # A load balancer takes certificates of its own region alone:
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/https-listener-certificates.html
    if (region := arn.split(":")[3]) != stack.region:
        return Check("certificate", f"{arn} is in {region}, the load balancer in {stack.region}", request)
    try:
        certificate = patient.clients.acm.describe_certificate(CertificateArn=arn)["Certificate"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in NOT_FOUND_CODES:
            raise
        return Check("certificate", f"{arn} does not exist", request)
    if certificate["Status"] != "ISSUED":
        return Check("certificate", f"{arn} is {certificate['Status']}", _records(certificate) or request)
    names = certificate.get("SubjectAlternativeNames") or [certificate["DomainName"]]
    if domain and not any(_covers(name, domain) for name in names):
        return Check("certificate", f"{arn} is for {', '.join(names)}, and the domain is {domain}", request)
    return Check("certificate", f"issued for {', '.join(names)}")


def _domain(stack: StackTemplate) -> str:
    """The host of the address at which the environment answers."""
    url = stack.content.get("Outputs", {}).get("BaseUrl", {}).get("Value")
    return urlsplit(url).hostname or "" if isinstance(url, str) else ""


def _records(certificate: Mapping[str, Any]) -> str:
    """The DNS records that ACM waits for."""
    options = [each.get("ResourceRecord") for each in certificate.get("DomainValidationOptions", ())]
    records = [f"{each['Name']} {each['Type']} {each['Value']}" for each in options if each]
    return f"put into DNS what ACM waits for: {'; '.join(records)}" if records else ""


def _covers(name: str, domain: str) -> bool:
    """A wildcard stands for one label."""
    return name == domain or (name.startswith("*.") and domain.partition(".")[2] == name[2:])
