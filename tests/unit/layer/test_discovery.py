"""A user's own layers are found beside ours, and a wrong one is reported with its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from cicd_templates.errors import ConfigurationError
from cicd_templates.layer.discovery import with_user_layers
from templates import LAYERS
from tests.conftest import own_package

QUIET = "from cicd_templates.layer.definition import Layer\n"


def test_own_layers_come_behind_ours_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = own_package(tmp_path, monkeypatch, b=f"{QUIET}LAYER = Layer('b')\n", a=f"{QUIET}LAYER = Layer('a')\n")

    assert [layer.name for layer in with_user_layers(package)] == [*(layer.name for layer in LAYERS), "a", "b"]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("", r"extra/mine\.py: has no LAYER; add LAYER = Layer\('mine', build\)", id="no layer"),
        pytest.param(
            f"{QUIET}LAYER = Layer('keys')\n", r"extra/mine\.py: a layer 'keys' exists already", id="name taken"
        ),
    ],
)
def test_what_is_not_a_layer_is_reported_with_its_file(
    code: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match=expected):
        with_user_layers(own_package(tmp_path, monkeypatch, mine=code))
