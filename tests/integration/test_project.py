"""The project of the other tests equals the project of a user after `make render`."""

from __future__ import annotations

import pytest

from tests.integration.conftest import STACKS, Project, git

pytestmark = [pytest.mark.integration, pytest.mark.long]


def test_the_copied_project_is_byte_for_byte_what_is_rendered_from_its_configuration(project: Project) -> None:
    assert project.ok("render --check").splitlines() == [f"out/ is up to date: {STACKS} stacks"]
    assert git(project.folder, "status", "--porcelain", "out") == ""
