"""The command line: one click command a verb. The only place that prints results, asks and decides exit codes.

Every command imports what it needs when it runs, so that rendering loads neither boto3 nor rich and the deployer loads
no layer.
"""

from cicd_templates.cli import (
    deploying,
    destroying,
    examining,
    gating,
    local,
    rehearsing,
    releasing,
    rendering,
    reviewing,
)
from cicd_templates.cli.command import main

render = rendering.render

__all__ = [
    "deploying",
    "destroying",
    "examining",
    "gating",
    "local",
    "main",
    "rehearsing",
    "releasing",
    "render",
    "reviewing",
]
