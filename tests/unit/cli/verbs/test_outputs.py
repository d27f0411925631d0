"""The output of `outputs` for people and for programs."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from cicd_templates.cli import main, selection
from cicd_templates.deploy.runs import status

OUTPUTS = {"staging": {"network": {"VpcId": "vpc-1", "Subnets": "a,b"}}, "production": {}}


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    targets = [SimpleNamespace(environment=name, clients=name, chosen=[]) for name in OUTPUTS]
    monkeypatch.setattr(selection, "targets", lambda **options: targets)
    monkeypatch.setattr(status, "outputs", lambda clients, chosen: OUTPUTS[clients])


@pytest.mark.usefixtures("deployed")
def test_a_person_reads_names_and_values_below_their_stack() -> None:
    assert CliRunner().invoke(main, ["outputs"]).stdout.splitlines() == [
        "staging",
        "  network",
        "    VpcId    vpc-1",
        "    Subnets  a,b",
        "production: nothing is deployed",
    ]


@pytest.mark.usefixtures("deployed")
def test_a_machine_reads_json() -> None:
    assert json.loads(CliRunner().invoke(main, ["outputs", "--json"]).stdout) == OUTPUTS
