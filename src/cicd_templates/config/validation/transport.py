"""Finds problems with the load balancer's transport settings: plain HTTP, or the certificate and the domain for TLS."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.config.environment import Environment
from cicd_templates.config.validation.problem import Problem
from cicd_templates.config.validation.regions import has_known_region
from cicd_templates.template.arn import Arn


def problems_in(environment: Environment) -> Iterator[Problem]:
    """Yield a problem for each missing or contradictory TLS setting of a runtime environment."""
    if environment.kind != "runtime":
        return
    at, settings = f"environments.{environment.name}", environment.settings
    if settings.allow_http and environment.protected:
        yield Problem(
            f"{at}.allow_http", "a protected environment serves only TLS; remove this key, and set certificate_arn"
        )
    if settings.allow_http and settings.certificate_arn:
        yield Problem(f"{at}.allow_http", "contradicts certificate_arn; remove one of them")
    if settings.certificate_authority and not settings.certificate_arn:
        yield Problem(
            f"{at}.certificate_authority",
            "has no effect without certificate_arn; add certificate_arn, or remove this key",
        )
    if settings.certificate_arn and not settings.domain:
        yield Problem(f"{at}.domain", "missing; set the host name that certificate_arn is for")
    if not settings.allow_http and not settings.certificate_arn:
        remedy = "" if environment.protected else ", or set allow_http = true if nobody depends on this environment"
        yield Problem(
            f"{at}.certificate_arn", f"missing; set the ARN of an ACM certificate in {settings.region}{remedy}"
        )
    if settings.certificate_arn:
        # A load balancer accepts only certificates of its own region and account:
        # https://docs.aws.amazon.com/acm/latest/userguide/acm-regions.html
        arn = Arn.parse(settings.certificate_arn)
        if arn.account != settings.account or (arn.region != settings.region and has_known_region(environment)):
            yield Problem(
                f"{at}.certificate_arn",
                f"belongs to account {arn.account} in {arn.region}; a load balancer accepts only a certificate of its"
                f" own account and region, {settings.account} in {settings.region}",
            )
