"""The problems of an edited configuration, for the tests of all modules that report problems."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.config.load import parse_configuration
from cicd_templates.errors import ConfigurationError
from tests.conftest import RAW, raw_configuration

STAGING = "environments/staging"
PRODUCTION = "environments/production"
SERVICE = "services/parcel-dispatcher"
# A self-signed certificate, whose key was thrown away.
AUTHORITY = """-----BEGIN CERTIFICATE-----
MIIBkDCCATWgAwIBAgIUP9eeJBF/sDelKQrVYV32Pku81UcwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJYXV0aG9yaXR5MCAXDTI2MTEyOTAxMTk0NloYDzIxMjYxMTA1
MDExOTQ2WjAUMRIwEAYDVQQDDAlhdXRob3JpdHkwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAS+bSOIqnN4tcpzg4MVRMzJ6IhuF53rBgoqCf9xhpT85IqQBy/L/FtS
LTMOBjcGBkt8eh6qHhAjRRbbwNy98yY5o2MwYTAdBgNVHQ4EFgQUYSZaAmWSOPF+
vyswcd7tNNshRVowHwYDVR0jBBgwFoAUYSZaAmWSOPF+vyswcd7tNNshRVowDwYD
VR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAoQwCgYIKoZIzj0EAwIDSQAwRgIh
AKBAGuUW642jK5Sb47bIf5GqsULqicP2A357I9jFVUktAiEAuTwqZEA/REI9dvt3
r/oMl6RYRlARPrZnNGoLLTSVKzE=
-----END CERTIFICATE-----
"""
CERTIFICATE = RAW["environments"]["staging"]["certificate_arn"]


def problems_of(*edits: tuple[str, Any], suffix: str | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        parse_configuration(raw_configuration(*edits), source="file", suffix=suffix)
    assert caught.value.exit_code == 2
    heading, *problems = str(caught.value).split("\n  ")
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    assert heading == f"file: {count}"
    return problems


def moved_to(region: str, partition: str = "aws") -> list[tuple[str, Any]]:
    """Return edits that move every environment to another region."""
    edits: list[tuple[str, Any]] = [(f"environments/{name}/region", region) for name in RAW["environments"]]
    for name in ("staging", "production"):
        arn = RAW["environments"][name]["certificate_arn"].replace("eu-central-1", region)
        edits += [
            (f"environments/{name}/zones", [f"{region}a", f"{region}b"]),
            (f"environments/{name}/certificate_arn", arn.replace("arn:aws:", f"arn:{partition}:")),
        ]
    return edits
