"""The command line: one click command per verb. Only this package prints results, asks questions and sets exit codes.

Every command imports the modules that it needs only when it runs. Rendering therefore loads neither boto3 nor rich, and
deploying loads no layer.
"""

from cicd_templates.cli.command import main
from cicd_templates.cli.verbs import deploy, destroy, examine, gate, local, rehearse, release, review
from cicd_templates.cli.verbs.render import render

__all__ = [
    "deploy",
    "destroy",
    "examine",
    "gate",
    "local",
    "main",
    "rehearse",
    "release",
    "render",
    "review",
]
