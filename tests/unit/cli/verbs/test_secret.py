"""`secret` sets the value that it reads, and never shows the value."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from cicd_templates.cli import main, selection
from tests.conftest import environment
from tests.fakes.scripted_aws import aws

NAME = "shipping-tools-parcel-dispatcher-snyk-token"


def test_a_value_from_standard_input_becomes_the_version_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    put: list[dict[str, Any]] = []

    def put_secret_value(**request: Any) -> dict[str, str]:
        put.append(request)
        return {"VersionId": "v-1"}

    def targets(**options: Any) -> list[Any]:
        assert (options["env"], options["suffix"], options["local"]) == ("tools", None, True)
        return [SimpleNamespace(clients=aws(secretsmanager={"put_secret_value": put_secret_value}))]

    monkeypatch.setattr(selection, "environment", lambda name, suffix: environment("tools"))
    monkeypatch.setattr(selection, "targets", targets)
    result = CliRunner().invoke(main, ["secret", "--local", "--name", "snyk-token"], input="a-token-of-mine\n")

    assert (result.exit_code, result.output) == (0, f"set {NAME}, version v-1\n")
    assert put == [{"SecretId": NAME, "SecretString": "a-token-of-mine"}]
