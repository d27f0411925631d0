"""Writes the derived files of a folder of evidence: instructions, a page, a diff of the templates, and bundles.

Derived files are not signed. The verification computes these files again and compares them with the files in the
folder, so it detects changes.
"""

from __future__ import annotations

from cicd_templates.evidence.additions import read_templates_before
from cicd_templates.evidence.bundles import FOLDER, sigstore_bundles
from cicd_templates.evidence.folder import FolderContents
from cicd_templates.evidence.instructions import INSTRUCTIONS, instructions
from cicd_templates.evidence.page import release_page
from cicd_templates.evidence.public_key import PublicKey
from cicd_templates.evidence.statements import Statement, digest_of
from cicd_templates.evidence.templates_difference import compare_templates
from cicd_templates.functions.evidence_format import TEMPLATES_ARCHIVE

PAGE = "index.html"
DIFFERENCE = "templates.diff"


def derived_names(contents: FolderContents) -> list[str]:
    """Return the names of the derived files in the folder. All files in the subfolder for bundles are derived files."""
    return sorted(
        name for name in contents.digests if name in (INSTRUCTIONS, PAGE, DIFFERENCE) or name.startswith(FOLDER)
    )


def derived_files(contents: FolderContents, release: Statement, key: PublicKey) -> dict[str, bytes]:
    """Return the content of each derived file, keyed by name. `release` is the release statement of the folder.

    The result has a diff of the templates only if the folder has the templates of both this release and the previous
    release. An archive of templates is opened only if its SHA-256 is in the signed statement of its release.
    """
    image = release.subject[0]
    reference = f"{image.name}@sha256:{image.digest.get('sha256', '')}"
    files = {INSTRUCTIONS: instructions(reference, key.fingerprint)}
    difference = None
    before = read_templates_before(contents, key)
    after = contents.read_exactly(TEMPLATES_ARCHIVE, digest_of(release, TEMPLATES_ARCHIVE))
    if before is not None and after is not None:
        difference = compare_templates(before, after)
        files[DIFFERENCE] = difference.text
    files[PAGE] = release_page(contents, release, key, difference)
    written = {name: text.encode("utf-8", "backslashreplace") for name, text in files.items()}
    return written | sigstore_bundles(contents, key)
