"""Python, who is calling, and whether the account may use the region."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from cicd_templates.deploy.aws.clients import require_account
from cicd_templates.deploy.doctor.checks import Check, Patient
from cicd_templates.errors import CicdError

OLDEST_PYTHON = (3, 11)
USABLE = ("opt-in-not-required", "opted-in")


def checks(patient: Patient) -> Iterator[Check]:
    """Python and the credentials, the latter last: nothing can be asked without them."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Check("Python", version, "" if sys.version_info >= OLDEST_PYTHON else "install Python 3.11 or newer")
    try:
        yield Check("credentials", require_account(patient.clients, patient.stacks[0].account))
    except CicdError as error:
        yield Check("credentials", "not usable", str(error))


def region(patient: Patient) -> Iterator[Check]:
    """Newer regions are off until an account opts in.

    https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
    """
    name = patient.stacks[0].region
    regions = patient.clients.ec2.describe_regions(AllRegions=True)["Regions"]
    status = next((each.get("OptInStatus", USABLE[0]) for each in regions if each["RegionName"] == name), None)
    if status in USABLE:
        yield Check("region", name)
    elif status is None:
        yield Check("region", f"AWS has no region {name}", "correct `region` in templates/environments.toml")
    else:
        yield Check("region", f"{name} is {status}", f"aws account enable-region --region-name {name}")
