"""The policies that a run prints once allow every later deployment of the run, whatever its checks change."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from cicd_templates.acceptance.checks.rollouts import closed_window
from cicd_templates.acceptance.checks.windows import OPEN
from cicd_templates.acceptance.project import BLUE_GREEN, DISPOSABLE, ENVIRONMENTS, ROLLING, Settings
from cicd_templates.config.load import parse_configuration
from cicd_templates.deploy.permissions.policies import policies
from cicd_templates.render.render import render
from templates import LAYERS
from tests.unit.acceptance.check_context import SUFFIX, check_context
from tests.unit.config.problems import AUTHORITY

PRINTED_FOR = Settings(rollout=BLUE_GREEN, trusted=AUTHORITY.strip())


def allowed(folder: Path, settings: Settings) -> dict[str, set[tuple[str, str]]]:
    """Return each allowed action with each resource, for each environment."""
    check_context(folder).project.write(settings)
    raw = tomllib.loads((folder / "templates/environments.toml").read_text())
    stacks = render(parse_configuration(raw, source="environments.toml", suffix=SUFFIX), LAYERS, "yaml")
    return {
        name: {
            (action, resource)
            for document in policies(
                [stack.template for stack in stacks if stack.environment.name == name], destroying=True
            ).values()
            for statement in document["Statement"]
            if statement["Effect"] == "Allow"
            for action in statement["Action"]
            for resource in statement["Resource"]
        }
        for name in ENVIRONMENTS
    }


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[tuple[str, str]]]:
    return allowed(tmp_path_factory.mktemp("printed"), PRINTED_FOR)


@pytest.mark.no_cover
@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(Settings(), id="at first"),
        pytest.param(Settings(rollout=BLUE_GREEN, window=closed_window(0)), id="a closed window"),
        pytest.param(Settings(rollout=ROLLING, window=OPEN), id="an open window"),
        pytest.param(Settings(production=DISPOSABLE), id="before the destruction"),
    ],
)
def test_the_printed_policies_allow_each_later_deployment(
    tmp_path: Path, printed: dict[str, set[tuple[str, str]]], settings: Settings
) -> None:
    for name, needed in allowed(tmp_path, settings).items():
        assert not needed - printed[name], name


@pytest.mark.no_cover
def test_the_policies_for_rolling_deployments_would_not_allow_the_hooks(
    tmp_path: Path, printed: dict[str, set[tuple[str, str]]]
) -> None:
    missing = printed["staging"] - allowed(tmp_path, Settings())["staging"]

    assert "lambda:CreateFunction" in {action for action, _ in missing}
