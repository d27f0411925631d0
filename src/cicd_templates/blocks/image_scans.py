"""The pipeline's actions that judge the registry's scan of an image, and the stage of the deployment window."""

from __future__ import annotations

from cicd_templates.blocks import pipeline_stages
from cicd_templates.blocks.pipeline_actions import EXECUTION_ID, PipelineAction, PipelineContext, codebuild_action
from cicd_templates.blocks.pipeline_stages import PipelineStage, stage
from cicd_templates.config import reserved_words
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import APP, title


def image_scan_action(context: PipelineContext, name: str, evidence: str, *, image: str, order: int) -> PipelineAction:
    """Return an action that judges the registry's scan of the image with the address `image`.

    The action stores the result of the scan as evidence, in a file named `evidence`.
    """
    # The build outputs the image address, and CodePipeline inserts the address into the JSON of these variables. A
    # malicious build could output an address with quotes, to add variables. The signer stops the release of such a
    # build, because the signer gets the same output and accepts only an exact image address.
    variables = {"IMAGE_URI": image, "EXECUTION_ID": EXECUTION_ID, "EVIDENCE_NAME": evidence}
    return codebuild_action(
        context, name, reserved_words.IMAGE_SCAN, variables, category="Test", order=order, inputs=[APP]
    )


def window_stage(context: PipelineContext, peer: Environment, *, image: str) -> PipelineStage:
    """Return a stage that scans `image` again, and that succeeds only inside the deployment window.

    The stage comes before the approval, so that nobody is asked to approve outside the window.

    AWS documents two contradictory results for a run outside the window: the run fails, or it waits for the next
    window. If the run waits, its scan result may be old when the run continues.
    """
    settings = peer.settings
    scan = image_scan_action(
        context, f"{title(peer.name)}ImageScan", f"image-scan-{peer.name}.json", image=image, order=1
    )
    window = pipeline_stages.deployment_window_condition(str(settings.deployment_window), settings.time_zone)
    return stage(f"{title(peer.name)}-Window", [scan], before=pipeline_stages.gate_condition(), after=window)
