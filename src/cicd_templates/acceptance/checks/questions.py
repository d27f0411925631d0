"""Contains the questions that AWS's documentation leaves open and that only a release in AWS can answer."""

from __future__ import annotations

from cicd_templates.acceptance.check import Check, CheckContext, LocalCoverage, require
from cicd_templates.acceptance.pipeline_runs import SUCCEEDED


def question(name: str, asks: str, proves: str, path: str, because: str) -> Check:
    """Return the check that answers the question `asks`.

    The answer is yes if every pipeline action whose path contains `path` has succeeded, otherwise no. Failures of other
    actions do not matter.
    """

    def answer(context: CheckContext) -> str:
        require("states" in context.facts, "inconclusive: this run has not finished a release")
        states = {action: state for action, state in context.facts["states"].items() if path in action}
        require(states, f"inconclusive: the release ran no action {path}")
        wrong = sorted(action for action, state in states.items() if state != SUCCEEDED)
        require(not wrong, f"no: {', '.join(wrong)} did not succeed")
        return f"yes: {', '.join(sorted(states))} succeeded"

    return Check(
        name,
        proves,
        answer,
        needs=("permissions",),
        local_coverage=LocalCoverage.NOT_POSSIBLE,
        local_limit=because,
        question=asks,
    )


QUESTIONS = (
    question(
        "pipeline-trust",
        "Does CodePipeline send aws:SourceAccount and aws:SourceArn when it assumes its role?",
        "CodePipeline assumes a role whose trust policy names the account and the pipeline.",
        "Source/",
        "the local AWS runs no pipeline, so nothing assumes the pipeline's role",
    ),
    question(
        "report-group",
        "Which permissions does CodeBuild need for test reports?",
        "The role of the unit tests has all permissions that CodeBuild needs to write test reports.",
        "Verify/UnitTests",
        "the local AWS has no report groups",
    ),
    question(
        "docker-in-build",
        "Does Docker work in the curated image of CodeBuild?",
        "In CodeBuild's curated image, Docker can build the image of the application.",
        "Build/Image",
        "a rehearsal builds no image",
    ),
    question(
        "typed-parameters",
        "Which role reads the parameters of a change set from Parameter Store?",
        "The delivery role creates a change set whose parameters come from Parameter Store.",
        "/Prepare",
        "the local AWS reads these parameters from Parameter Store without checking permissions",
    ),
    question(
        "cloudformation-role",
        "Which permissions do the handlers of CloudFormation's resource types need?",
        "CloudFormation can deploy a release with the permissions of the role that the pipeline passes to it.",
        "/Execute",
        "the local AWS creates resources without checking permissions",
    ),
)
