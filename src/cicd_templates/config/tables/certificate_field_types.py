"""A field type for the certificates of a certificate authority, in PEM format."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from cicd_templates.config.tables.field_types import matching

# Lambda limits the environment variables of a function to 4 KB in all:
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LONGEST_AUTHORITY = 3000
# Only certificates: the text of a private key must not get into a template.
PEM = r"(-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/=]+\n)+-----END CERTIFICATE-----\n*)+"


def _authority(value: str) -> str:
    # Few configurations have certificates, and the module takes long to import.
    import ssl

    try:
        ssl.create_default_context(cadata=value)
    except ssl.SSLError as error:
        raise ValueError(f"not a certificate that a client can trust: {error.reason or error}") from None
    return value


Authority = Annotated[
    str,
    matching(PEM, "write one or more PEM certificates, and no private key", LONGEST_AUTHORITY),
    AfterValidator(_authority),
]
