"""Verifies a folder with the evidence of a release, without AWS and without a network.

- `public_key` reads the signer's public key and computes its fingerprint.
- `statements` reads signed statements: in-toto statements in DSSE envelopes.
- `folder` lists and hashes the files of the folder.
- `verification` checks the key, the statements and the files, and lists each file that differs from what was signed.
- `additions` checks the files that were added after the signing: the previous release, and the records of approvals.
- `derived_files` computes files whose contents follow from the signed files. `instructions` writes VERIFY.md, which
  says how to verify the evidence with this tool and with other tools. `templates_difference` compares the templates
  with the previous release. `page` writes an HTML page with the facts from `release_facts`.

`functions/evidence_format.py` defines the format.
"""
