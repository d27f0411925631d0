"""Refuses AWS service addresses that come from environment variables or from this machine's AWS configuration:
https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html

The server at such an address sees every request and can forge every answer. So these addresses are refused
unless the project's configuration allows them. With `LOCAL=1`, no check is needed, because the clients get the address
of the local AWS directly.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from cicd_templates.deploy.aws.access import Access
from cicd_templates.errors import RefusedError

ENDPOINT_VARIABLES = "AWS_ENDPOINT_URL"
IGNORE = "ignore_configured_endpoint_urls"
ENDPOINT_SETTING = "endpoint_url"


def refuse_endpoint_urls(core: Any, access: Access) -> None:
    """Raise `RefusedError` if an environment variable or the AWS profile replaces the address of an AWS service.

    Does nothing if `access.allow_endpoint_urls` is true. The error lists every setting that replaces an address. `core`
    is the botocore session.
    """
    if access.allow_endpoint_urls or core.get_config_variable(IGNORE):
        return
    if replaced := [*_of_the_environment(), *_of_the_profile(core, access)]:
        raise RefusedError(
            f"{', '.join(replaced)}: requests would go to an address that is not AWS's; remove the"
            " setting, or set `allow_endpoint_urls = true` for the environment in templates/environments.toml"
            " (for the local AWS, LOCAL=1 is enough)"
        )


def _of_the_environment() -> Iterator[str]:
    for name, value in sorted(os.environ.items()):
        if value and (name == ENDPOINT_VARIABLES or name.startswith(f"{ENDPOINT_VARIABLES}_")):
            yield f"{name}={value}"


def _of_the_profile(core: Any, access: Access) -> Iterator[str]:
    name = access.profile_name or "default"
    scoped: Mapping[str, Any] = core.get_scoped_config()
    if url := scoped.get(ENDPOINT_SETTING):
        yield f"{ENDPOINT_SETTING} = {url} of the AWS profile {name!r}"
    section = scoped.get("services")
    for service, settings in sorted(core.full_config.get("services", {}).get(section, {}).items()):
        if isinstance(settings, Mapping) and (url := settings.get(ENDPOINT_SETTING)):
            place = f"the section `services {section}` of the AWS profile {name!r}"
            yield f"{ENDPOINT_SETTING} = {url} for {service} in {place}"
