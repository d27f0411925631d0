"""The commands that compare or show the rendered templates read them only from a folder, not through a link."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.review.test_revision import repository, typed

__all__ = ["repository"]


@pytest.mark.parametrize(
    "words", ["review --base HEAD", "comment --base HEAD", "upgrade-check --ref HEAD --yes", "demo"]
)
@pytest.mark.parametrize(
    ("is_link", "message"),
    [
        (
            True,
            "is a link to target, so a commit would contain the link instead of the templates; replace the link with a"
            " folder",
        ),
        (False, "is not a folder; move it away, then run `make render`"),
    ],
    ids=["link", "file"],
)
def test_a_link_or_a_file_in_place_of_the_templates_is_refused(
    words: str, message: str, repository: Path, *, is_link: bool
) -> None:
    (repository / "out").rename(repository / "target")
    if is_link:
        (repository / "out").symlink_to("target")
    else:
        (repository / "out").touch()
    result = typed(*words.split())

    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"error: out: {message}\n")
    assert not (repository / ".state").exists()
