"""The base images of a signed provenance are those that BuildKit reads from the Dockerfile, and no others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cicd_templates.builds import scripts
from cicd_templates.functions.dockerfile_images import base_images

LIBRARY = "public.ecr.aws/docker/library"
PYTHON = f"{LIBRARY}/python:3.13@sha256:{'a' * 64}"
OTHER_PYTHON = f"{LIBRARY}/python:3.13@sha256:{'b' * 64}"
JAVA = f"{LIBRARY}/eclipse-temurin:21-JRE@sha256:{'c' * 64}"
FILES = {
    "no image": ("FROM scratch\nCOPY a /a\n", []),
    "text that only looks like an image": (
        f"FROM {PYTHON}\nRUN echo {JAVA} --from={JAVA}\nLABEL base={JAVA}\nENV FROM={JAVA}\n# FROM {JAVA}\n", [PYTHON],
    ),
    "two digests of one name": (f"FROM {PYTHON} AS old\nFROM {OTHER_PYTHON}\n", [PYTHON, OTHER_PYTHON]),
    "an uppercase tag": (f"FROM {JAVA}\n", [JAVA]),
    "other cases, spaces and a platform": (f"from\t --platform=linux/arm64  {JAVA}  as  Base\nFROM base\n", [JAVA]),
    "a copy": (f"FROM {PYTHON}\nCOPY --chown=1:1 --from={JAVA} /a /b\n", [JAVA, PYTHON]),
    "mounts": (
        f"FROM {PYTHON}\nRUN --mount=type=bind,From={JAVA},target=/a --mount=type=cache,target=/c true\n",
        [JAVA, PYTHON],
    ),
    "stages by name and number": (
        f"FROM {PYTHON} AS Base\nFROM BASE AS next\nCOPY --from=base / /\nCOPY --from=0 / /\n"
        "RUN --mount=type=bind,from=1 true\n",
        [PYTHON],
    ),
    "continued lines": (
        f"FROM \\\n{PYTHON}\nCOPY \\ \n# FROM {OTHER_PYTHON}\n\n\\\n  --from={JAVA} / /\n"
        f"RUN a \\\n  FROM {OTHER_PYTHON}\n",
        [JAVA, PYTHON],
    ),
    "two backslashes do not continue": (f"FROM {PYTHON}\nRUN a \\\\\nCOPY --from={JAVA} / /\n", [JAVA, PYTHON]),
    "Windows line ends": (f"FROM {PYTHON} \\\r\n  AS base\r\nFROM base\r\n", [PYTHON]),
    "no line end": (f"ARG X=1\nFROM {PYTHON} \\", [PYTHON]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "images"), FILES.values(), ids=FILES)
def test_the_images_are_those_of_the_instructions(text: str, images: list[str], tmp_path: Path) -> None:
    assert base_images(text) == sorted(images)
    # The image build reads the same images from the same file.
    (tmp_path / "Dockerfile").write_bytes(text.encode())
    script = str(Path(*scripts.__path__, "dockerfile.py"))
    command = [sys.executable, script, str(tmp_path / "Dockerfile"), str(tmp_path / "instructions"), LIBRARY]
    build = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (build.stderr, build.stdout.split()) == ("", sorted(images))


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("FROM python:3.13", "python:3.13"),
        ("FROM", ""),
        (f"FROM {LIBRARY}/$X@sha256:{'a' * 64}", f"{LIBRARY}/$X@sha256:{'a' * 64}"),
        (f"FROM {PYTHON}\nCOPY --from=1 / /", "1"),
        (f"FROM {PYTHON}\nCOPY --from=later / /\nFROM {PYTHON} AS later", "later"),
        (f"FROM {PYTHON}0", f"{PYTHON}0"),
    ],
)
def test_an_image_without_a_digest_is_an_error(text: str, image: str) -> None:
    with pytest.raises(ValueError, match="without a digest") as caught:
        base_images(text)
    assert repr(image) in str(caught.value)
