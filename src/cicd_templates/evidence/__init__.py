"""Verifies the evidence of a release in a folder, without AWS and without a network.

- `public_key` reads the signer's public key and its fingerprint.
- `statements` reads signed statements: in-toto statements in DSSE envelopes.
- `folder` lists and hashes the files of the folder.
- `verification` compares all of them and names each file that is not as it was signed.
- `instructions` writes VERIFY.md, with the commands of other tools.

`functions/evidence_format.py` defines the format.
"""
