"""Checks the deployment window of production: a closed window stops a release, and an open window lets it pass."""

from __future__ import annotations

from cicd_templates.acceptance.check import Check, CheckContext, LocalCoverage, require
from cicd_templates.acceptance.checks.rollouts import BLUE_GREEN_RUN, deploy_with
from cicd_templates.acceptance.pipeline_runs import SUCCEEDED, is_of, run_pipeline, window_rule
from cicd_templates.acceptance.project import PRODUCTION, ROLLING, THIRD

# CodePipeline requires the seconds to be `*`.
OPEN = "* * * ? * *"
WINDOW = "-window/"
NO_WINDOWS = "a rehearsal does not evaluate deployment windows"


def stay_out(context: CheckContext) -> str:
    """Require that the closed deployment window kept the blue/green release out of production.

    Return a sentence: either the stage failed immediately, or it waited until somebody stopped the run.
    """
    states = context.facts["blue-green states"]
    window = [path for path in states if is_of(path, PRODUCTION) and WINDOW in path.lower()]
    require(window, "inconclusive: the release did not reach the deployment window of production")
    entered = sorted(path for path in states if is_of(path, PRODUCTION) and path not in window)
    require(not entered, f"the window was closed, but these actions ran: {', '.join(entered)}")
    state = window_rule(context, BLUE_GREEN_RUN)
    require(state, "inconclusive: CodePipeline did not evaluate the window")
    return "the stage failed at once" if state == "Failed" else "the stage waited until the run was stopped"


def go_in(context: CheckContext) -> str:
    """Open the deployment window, switch back to rolling deployments, and start a release.

    Require that the release reaches production.
    """
    deploy_with(context, rollout=ROLLING, window=OPEN)
    run = run_pipeline(context, THIRD, "open")
    require(run.succeeded, f"the release did not pass: {run.problem}")
    entered = [path for path, state in run.states.items() if is_of(path, PRODUCTION) and state == SUCCEEDED]
    require(any(WINDOW not in path.lower() for path in entered), "the release did not reach production")
    return "with an open window and rolling deployments, a release reached production"


WINDOW_CLOSED = Check(
    "window-closed",
    "A release outside the deployment window does not enter production, and nobody is asked to approve it.",
    stay_out,
    needs=("blue-green",),
    local_coverage=LocalCoverage.NOT_POSSIBLE,
    local_limit=NO_WINDOWS,
    question="Does a closed deployment window hold the release, or does the stage fail?",
)
WINDOW_OPEN = Check(
    "window-open",
    "A release in the deployment window enters production.",
    go_in,
    needs=("blue-green",),
    local_coverage=LocalCoverage.STEPS_ONLY,
    local_limit=NO_WINDOWS,
)
