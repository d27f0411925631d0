"""A rehearsal in which somebody replaces a change set before the approval. No action of the stage executes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cicd_templates.deploy.releases.archives import source_archive
from cicd_templates.local.engine_process import running
from cicd_templates.rehearsal import deployed_pipeline
from cicd_templates.rehearsal.rehearse import run_rehearsal
from cicd_templates.rehearsal.result import ActionState
from cicd_templates.rehearsal.sessions import root
from tests.integration.rehearsed_example import ENGINE_PYTHON, TOOLS, example
from tests.projects.rendering import rendered_project

pytestmark = [pytest.mark.integration, pytest.mark.long]

OTHER_IMAGE = f"111111111111.dkr.ecr.eu-central-1.amazonaws.com/other@sha256:{'e' * 64}"


class Swap:
    """Somebody with every permission in production who replaces a change set before the approval is given."""

    def __init__(self, cloudformation: Any, stack: str, name: str) -> None:
        self.cloudformation, self.stack, self.name = cloudformation, stack, name
        self.before = self.after = ""

    def __call__(self, question: str) -> bool:
        asked = {"StackName": self.stack, "ChangeSetName": self.name}
        described = self.cloudformation.describe_change_set(**asked)
        template = self.cloudformation.get_template(**asked, TemplateStage="Original")["TemplateBody"]
        parameters = [
            {"ParameterKey": each["ParameterKey"], "ParameterValue": each["ParameterValue"]}
            | ({"ParameterValue": OTHER_IMAGE} if each["ParameterKey"] == "ImageUri" else {})
            for each in described["Parameters"]
        ]
        self.cloudformation.delete_change_set(**asked)
        self.before = described["ChangeSetId"]
        self.after = self.cloudformation.create_change_set(
            **asked,
            TemplateBody=template,
            Parameters=parameters,
            Capabilities=described["Capabilities"],
            Tags=described["Tags"],
        )["Id"]
        return True


@pytest.mark.parametrize("layer", ["service", "migration"])
def test_a_change_set_that_was_swapped_after_the_approval_is_not_executed(layer: str, tmp_path: Path) -> None:
    app = example(tmp_path)
    # The policy of the example is for its own checks.
    (app / "scan-policy.toml").unlink()
    (app / "billing").mkdir()
    (app / "billing/migrate.py").write_text("")
    stacks = deployed_pipeline.read_every_stack(rendered_project("queue-and-table") / "out")
    (service,) = (each for each in stacks if (each.environment, each.label) == ("production", "service-billing"))

    with running(python=ENGINE_PYTHON, auth=True, tls=True) as engine:
        production = root(engine.url, service.account, service.region, engine.secret).client("cloudformation")
        swap = Swap(production, service.name.replace("-service-", f"-{layer}-"), "ledger-production-billing-release")
        options: dict[str, Any] = {"tools": TOOLS, "tokens": {}, "network": {}, "confirm": swap}
        with run_rehearsal(engine, stacks, "billing", source_archive(app), **options) as rehearsal:
            steps = {step.path: step for step in rehearsal.result.steps}

        assert steps["Production/Approve"].state is ActionState.SUCCEEDED, steps["Production/Approve"].error
        check = steps["Production/CheckProduction"]
        assert check.state is ActionState.FAILED
        assert (
            f"Nothing more is executed: {swap.stack}: {swap.after} has replaced the approved change set"
            f" {swap.before}; these parts differ: "
        ) in check.error
        assert "parameters" in check.error
        for name in ("ExecuteMigration", "MigrateProduction", "CheckServiceProduction", "Execute"):
            assert steps[f"Production/{name}"].state is ActionState.NOT_REACHED
        for each in ("service", "migration"):
            stack = service.name.replace("-service-", f"-{each}-")
            described = production.describe_change_set(StackName=stack, ChangeSetName=swap.name)
            assert described["ExecutionStatus"] == "AVAILABLE"
            assert production.describe_stacks(StackName=stack)["Stacks"][0].get("ChangeSetId") != swap.after
