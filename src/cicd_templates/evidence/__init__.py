"""Verifies a folder with the evidence of a release, without AWS and without a network.

- `public_key` reads the signer's public key and its fingerprint.
- `statements` reads signed statements: in-toto statements in DSSE envelopes.
- `folder` lists and hashes the files of the folder.
- `verification` compares these and names each file that differs from what was signed.
- `additions` are files beside the signed ones: the release before, and records of approvals.
- `derived_files` writes what follows from the others: `instructions` VERIFY.md, with the commands of other tools,
  `templates_difference` the difference to the templates of the release before, and `page` the page for a person, with
  what `release_facts` reads.

`functions/evidence_format.py` defines the format.
"""
