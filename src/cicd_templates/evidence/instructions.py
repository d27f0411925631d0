"""Writes VERIFY.md: how to verify the evidence of a release with this tool and with other tools."""

from __future__ import annotations

INSTRUCTIONS = "VERIFY.md"


def instructions(image: str, fingerprint: str) -> str:
    """Return the text of VERIFY.md for the evidence about `image`. `fingerprint` identifies the key that signed the
    evidence.
    """
    digest = image.rpartition("@sha256:")[2]
    return f"""\
# How to verify this evidence

This evidence is about the image `{image}`.

The fingerprint of the signer's key is the SHA-256 of its DER form. Compare it with the fingerprint that you received
separately from this folder:

```sh
openssl pkey -pubin -in public-key.pem -outform DER | sha256sum
# {fingerprint}
```

This command verifies all files, without AWS and without a network. It also writes `index.html`, `templates.diff`, the
files in `bundles/` and this file anew and compares them. If another version of the command wrote them, remove them
first:

```sh
python -m cicd_templates verify-evidence . --key {fingerprint}
```

The command requires a statement about every environment to which the pipeline deploys. If the release was not deployed
to an environment when this evidence was collected, the command needs the option `--not-attested` with the name of this
environment. Believe only a source outside this folder that an environment was not reached: the folder looks the same
if somebody has removed the statement. Nothing in the folder shows either that the release was deployed once more to the
same environment later. The pipeline's history in AWS shows both for 12 months.

These commands verify one statement with openssl, `jq` and `base64`. The signature covers DSSE's pre-authentication
encoding of the payload:

```sh
statement=release.dsse.json
work=$(mktemp -d)
jq -r .payload "$statement" | base64 -d > "$work/payload"
jq -r '.signatures[0].sig' "$statement" | base64 -d > "$work/signature"
{{ printf 'DSSEv1 28 application/vnd.in-toto+json %d ' "$(wc -c < "$work/payload")"; cat "$work/payload"; }} \\
  > "$work/signed"
openssl dgst -sha256 -verify public-key.pem -signature "$work/signature" "$work/signed"
```

The payload of `release.dsse.json` lists the SHA-256 of every file that the release had before its first deployment:

```sh
jq -r '.subject[1:][] | "\\(.digest.sha256)  \\(.name)"' "$work/payload" | sha256sum --check
```

Not in that list are `public-key.pem`, `VERIFY.md`, `index.html`, `templates.diff`, and the files in `bundles/`,
`deployments/`, `previous/` and `approvals/`. Each file in `bundles/` is a statement of this folder in the format of
Sigstore.

Each statement in `deployments/` was signed after a deployment. For each of them, these commands verify the signature,
then the SHA-256 of `release.dsse.json` and of the earlier statements, which it lists. Then they print the environment
and the approval: who approved, and when. The approval is `null` if none was needed. The commands stop at the first
statement that is not verified, or that was stored under another name:

```sh
(
  for statement in deployments/*/*.dsse.json; do
    [ -e "$statement" ] || continue
    {{
      jq -r .payload "$statement" | base64 -d > "$work/payload" &&
        jq -r '.signatures[0].sig' "$statement" | base64 -d > "$work/signature" &&
        {{ printf 'DSSEv1 28 application/vnd.in-toto+json %d ' "$(wc -c < "$work/payload")"; cat "$work/payload"; }} \\
          > "$work/signed" &&
        openssl dgst -sha256 -verify public-key.pem -signature "$work/signature" "$work/signed" &&
        jq -r '(.subject[1:] + .predicate.earlier)[] | "\\(.digest.sha256)  \\(.name)"' "$work/payload" \\
          > "$work/listed" &&
        sha256sum --check "$work/listed" &&
        jq -e --arg name "$statement" \\
          'select(.predicate.file == $name and .subject[1].name == "release.dsse.json")
          | .predicate | {{file, environment, approval}}' "$work/payload"
    }} || {{ echo "$statement: not verified"; exit 1; }}
  done
)
```

In `approvals/`, the name of each folder is the SHA-256 of its `change-sets.json`, which has the SHA-256 of the page
beside it. The request for approval showed the name, and the statement about the approved deployment lists it as
`record` of the approval.

## Tools that were not run

The project does not run the next two tools in its tests. The lines follow their source: cosign 3.1 of July 2026
and slsa-verifier 2 of March 2026.

These commands verify the provenance and the vulnerabilities with cosign, which reads a Sigstore bundle. No public log
has the signatures, so `--insecure-ignore-tlog` is needed:

```text
cosign verify-blob-attestation --key public-key.pem --bundle bundles/provenance.sigstore.json \\
  --insecure-ignore-tlog --type slsaprovenance1 --digest {digest} --digestAlg sha256
cosign verify-blob-attestation --key public-key.pem --bundle bundles/vulnerabilities.sigstore.json \\
  --insecure-ignore-tlog --type https://in-toto.io/attestation/vulns/v0.2 --digest {digest} --digestAlg sha256
```

This command verifies the verification summary with slsa-verifier. `GATE` is the ARN of the function `scan-gate`. Take
it from another source than this folder:

```text
slsa-verifier verify-vsa --attestation-path statements/verification-summary.dsse.json \\
  --public-key-path public-key.pem --public-key-id {fingerprint} \\
  --subject-digest sha256:{digest} --verifier-id "$GATE" \\
  --resource-uri {image} --verified-level CICD_TEMPLATES_SCAN_GATE
```
"""
