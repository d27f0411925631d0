"""The pipeline's actions that judge the registry's scan of an image, and the stage of the deployment window."""

from __future__ import annotations

from cicd_templates.blocks import pipeline_stages
from cicd_templates.blocks.pipeline_actions import EXECUTION_ID, PipelineAction, PipelineContext, codebuild_action
from cicd_templates.blocks.pipeline_stages import PipelineStage, stage
from cicd_templates.config import reserved_words
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import APP, title


def image_scan_action(context: PipelineContext, name: str, evidence: str, *, image: str, order: int) -> PipelineAction:
    """Return an action that judges the registry's scan of `image`, an image address.

    The action stores the result of the scan as evidence. `evidence` is the name of the file.

    The build outputs the address of the image, and CodePipeline inserts this address into JSON. A malicious build could
    output an address with quotes, and so add variables to the JSON. The signer stops such a release: it gets the same
    output, and accepts only the exact address of an image.
    """
    variables = {"IMAGE_URI": image, "EXECUTION_ID": EXECUTION_ID, "EVIDENCE_NAME": evidence}
    return codebuild_action(
        context, name, reserved_words.IMAGE_SCAN, variables, category="Test", order=order, inputs=[APP]
    )


def window_stage(context: PipelineContext, peer: Environment, *, image: str) -> PipelineStage:
    """Return a stage that scans `image` again, and that succeeds only inside the deployment window.

    The stage comes before the approval, so that nobody is asked to approve outside the window. The window and the
    gate's verdict are separate conditions, because all rules of one condition have the same `Result`.

    AWS's documentation is not consistent about a run outside the window: the run fails, or it waits for the next
    window. After a wait, the run continues with the old scan result.
    """
    settings = peer.settings
    scan = image_scan_action(
        context, f"{title(peer.name)}ImageScan", f"image-scan-{peer.name}.json", image=image, order=1
    )
    window = pipeline_stages.deployment_window_condition(str(settings.deployment_window), settings.time_zone)
    return stage(f"{title(peer.name)}-Window", [scan], before=pipeline_stages.gate_condition(), after=window)
