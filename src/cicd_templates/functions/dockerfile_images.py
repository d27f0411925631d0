"""Finds the base images of a Dockerfile.

This module parses only instructions, options, comments and line continuations. That is enough, because the image build
refuses every Dockerfile that this module could misread. Examples are a Dockerfile with parser directives, with
here-documents, or with an option that contains quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

_CONTINUED = re.compile(r"(^|[^\\\n])\\[ \t]*\n", re.MULTILINE)
_PINNED = re.compile(r"[^\s@$]+@sha256:[0-9a-f]{64}")


def base_images(text: str) -> list[str]:
    """Return the base images of the Dockerfile in sorted order, each with its digest.

    The result has the images in FROM, in `--from=` and in the `from=` of mounts, without the names of build stages.
    Raises `ValueError` if an image has no digest.
    """
    images: set[str] = set()
    stages, count = {"scratch"}, 0
    for name, options, words in _instructions(text):
        named = [image for option in options for image in _images_in(option)]
        if name == "FROM":
            named += words[:1] or [""]
        images |= {image for image in named if image.lower() not in stages}
        if name == "FROM":
            # An instruction can name an earlier stage by its name or by its number.
            stages |= {str(count), *(stage.lower() for stage in words[2:3])}
            count += 1
    for image in sorted(images):
        if not _PINNED.fullmatch(image):
            raise ValueError(f"the Dockerfile has the image {image!r} without a digest")
    return sorted(images)


def _instructions(text: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield the name, the options and the remaining words of each instruction."""
    lines = text.replace("\r\n", "\n").split("\n")
    # A comment or an empty line does not end an instruction that is continued.
    kept = "".join(f"{line}\n" for line in lines if line.strip() and not line.lstrip().startswith("#"))
    for line in _CONTINUED.sub(r"\1", kept).split("\n"):
        if words := line.split():
            options = list(takewhile(lambda word: word.startswith("--"), words[1:]))
            yield words[0].upper(), options, words[1 + len(options) :]


def _images_in(option: str) -> list[str]:
    """Return the images or build stages to which an option of an instruction refers."""
    name, _, value = option.partition("=")
    if name == "--mount":
        pairs = [part.partition("=") for part in value.split(",")]
        return [image for key, _, image in pairs if key.lower() == "from"]
    return [value] if name == "--from" else []
