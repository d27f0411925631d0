"""Writes VERIFY.md: how to verify the evidence of a release with this tool and with other tools."""

from __future__ import annotations

INSTRUCTIONS = "VERIFY.md"


def instructions(image: str, fingerprint: str) -> str:
    """Return VERIFY.md for the evidence about `image`, which was signed by the key with this fingerprint."""
    return f"""\
# How to verify this evidence

This evidence is about the image `{image}`.

The fingerprint of the signer's key is the SHA-256 of its DER form. Compare it with the fingerprint that you received
separately from this folder:

```sh
openssl pkey -pubin -in public-key.pem -outform DER | sha256sum
# {fingerprint}
```

This command verifies all files, without AWS and without a network:

```sh
python -m cicd_templates verify-evidence . --key {fingerprint}
```

These commands verify one statement with openssl, `jq` and `base64`. The signature covers DSSE's pre-authentication
encoding of the payload:

```sh
statement=release.dsse.json
jq -r .payload "$statement" | base64 -d > payload
jq -r '.signatures[0].sig' "$statement" | base64 -d > signature
{{ printf 'DSSEv1 28 application/vnd.in-toto+json %d ' "$(wc -c < payload)"; cat payload; }} > signed
openssl dgst -sha256 -verify public-key.pem -signature signature signed
```

The payload of `release.dsse.json` lists the SHA-256 of every other file except `public-key.pem` and this file:

```sh
jq -r '.subject[1:][] | "\\(.digest.sha256)  \\(.name)"' payload | sha256sum --check
```
"""
