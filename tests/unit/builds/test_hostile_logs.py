"""What build scripts print about a hostile source: none of its texts controls the terminal or adds a line."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.hostile.texts import PIECES, hostile_texts

SCRIPTS = ROOT / "src/cicd_templates/builds/scripts"
COUNTS = [pytest.param(len(PIECES) + 10, id="sample"), pytest.param(5000, id="5000", marks=pytest.mark.long)]


def said(name: str, *arguments: str) -> str:
    """Return the error with which the script `name` refuses its input."""
    before, sys.argv = sys.argv, [name, *arguments]
    try:
        with pytest.raises(SystemExit) as refused:
            runpy.run_path(str(SCRIPTS / f"{name}.py"), run_name="__main__")
    finally:
        sys.argv = before
    return str(refused.value.code)


@pytest.mark.no_cover
@pytest.mark.parametrize("count", COUNTS)
def test_no_text_of_a_dockerfile_steers_the_log(count: int, tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    for text in hostile_texts(count):
        path.write_bytes(
            f"FROM {text}@x\nCOPY --from=$X{text} a b\n{text.upper()} x\n".encode("utf-8", "surrogatepass")
        )
        lines = said("dockerfile", str(path), str(tmp_path / "instructions")).split("\n")

        assert all(line.startswith(f"{path}:") and line.isascii() and line.isprintable() for line in lines), repr(text)


@pytest.mark.no_cover
@pytest.mark.parametrize("count", COUNTS)
def test_no_name_of_a_package_in_an_image_steers_the_log(count: int, tmp_path: Path) -> None:
    image = tmp_path / "image.json"
    for text in hostile_texts(count):
        place = [{"name": "path", "value": f"x{text}"}]
        package = {"name": f"x{text}", "version": text, "purl": f"pkg:pypi/{text}", "properties": place}
        image.write_text(json.dumps({"components": [package]}))
        Path(f"{image}.code").write_text(json.dumps({"code": {f"x{text}": "x"}, "system": {}, "archives": {}}))
        lines = said("image_judgement", str(image), str(tmp_path / "none")).split("\n")

        assert [line[:7] for line in lines] == ["error: "] * 4
        assert "".join(lines).isascii(), repr(text)
        assert "".join(lines).isprintable(), repr(text)
