"""A user's own layers are found beside those of this tool, and a wrong layer is reported with its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from cicd_templates.errors import ConfigurationError
from cicd_templates.layer.user_layers import with_user_layers
from templates import LAYERS
from tests.conftest import own_package

QUIET = "from cicd_templates.layer.definition import Layer\n"


def test_own_layers_come_behind_ours_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = own_package(
        tmp_path, monkeypatch, b=f"{QUIET}LAYER = Layer('b', print)\n", a=f"{QUIET}LAYER = Layer('a', print)\n"
    )

    assert [layer.name for layer in with_user_layers(package)] == [*(layer.name for layer in LAYERS), "a", "b"]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("", r"extra/mine\.py: has no LAYER; add LAYER = Layer\('mine', build\)", id="no layer"),
        pytest.param(
            f"{QUIET}LAYER = Layer('keys', print)\n", r"extra/mine\.py: a layer 'keys' exists already", id="name taken"
        ),
        pytest.param(f"{QUIET}LAYER = 'mine'\n", r"extra/mine\.py: has no LAYER; add", id="not a layer"),
        pytest.param(
            f"{QUIET}LAYER = Layer('mine')\n", r"its LAYER has no build; write Layer\('mine', build\)", id="no build"
        ),
        pytest.param(
            f"{QUIET}LAYER = Layer('My Queue', print)\n",
            r"extra/mine\.py: 'My Queue' cannot be the name of a layer; use at most 40",
            id="name with a space",
        ),
        pytest.param(f"{QUIET}LAYER = Layer('a' * 41, print)\n", "cannot be the name of a layer", id="name too long"),
        pytest.param("import nothing_of_that_name\n", r"extra/mine\.py:1: ModuleNotFoundError: No module", id="import"),
        pytest.param("\nQUEUE = 1 / 0\n", r"extra/mine\.py:2: ZeroDivisionError: division by zero", id="raises"),
        pytest.param("def build(:\n", r"extra/mine\.py:1: ", id="syntax"),
        pytest.param("a = '\x00'\n", r"extra/mine\.py:", id="null byte"),
    ],
)
def test_what_is_not_a_layer_is_reported_with_its_file(
    code: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match=expected):
        with_user_layers(own_package(tmp_path, monkeypatch, mine=code))
