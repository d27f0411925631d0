"""Checks the version of Python, the credentials, and whether the account has enabled the region."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from cicd_templates.deploy.aws.clients import require_account
from cicd_templates.deploy.doctor.checks import Check, ExaminedEnvironment
from cicd_templates.errors import CicdError

OLDEST_PYTHON = (3, 11)
USABLE = ("opt-in-not-required", "opted-in")


def check_identity(examined: ExaminedEnvironment) -> Iterator[Check]:
    """Yield the results for the version of Python, and then for the credentials, which all other checks need."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Check("Python", version, "" if sys.version_info >= OLDEST_PYTHON else "install Python 3.11 or newer")
    try:
        yield Check("credentials", require_account(examined.clients, examined.stacks[0].account))
    except CicdError as error:
        yield Check("credentials", "not usable", str(error))


def check_region(examined: ExaminedEnvironment) -> Iterator[Check]:
    """Yield the result for the region: it must exist and be enabled.

    Newer regions are disabled until the account enables them:
    https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
    """
    name = examined.stacks[0].region
    regions = examined.clients.ec2.describe_regions(AllRegions=True)["Regions"]
    status = next((region.get("OptInStatus", USABLE[0]) for region in regions if region["RegionName"] == name), None)
    if status in USABLE:
        yield Check("region", name)
    elif status is None and examined.clients.local:
        yield Check("region", f"{name} is not known on the local AWS", read=False)
    elif status is None:
        yield Check("region", f"AWS has no region {name}", "correct `region` in templates/environments.toml")
    else:
        yield Check("region", f"{name} is {status}", f"aws account enable-region --region-name {name}")
