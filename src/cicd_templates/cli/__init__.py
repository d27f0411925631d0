"""The command line: one click command per verb.

Only this package prints results, asks questions and sets exit codes. Every command imports the modules that it needs
only when it runs. Rendering therefore loads neither boto3 nor rich, and deploying does not load the project's
`templates/`.
"""

from cicd_templates.cli.command import main
from cicd_templates.cli.verbs import (
    acceptance,
    adopt,
    comment,
    demo,
    deploy,
    deploy_policy,
    destroy,
    docs,
    doctor,
    drift,
    evidence,
    gate,
    init,
    lint,
    local,
    outputs,
    plan,
    plan_discard,
    recover,
    rehearse,
    release,
    review,
    secret,
    status,
    sweep,
    unlock,
    upgrade_check,
    verify_evidence,
)
from cicd_templates.cli.verbs.render import render

__all__ = [
    "acceptance",
    "adopt",
    "comment",
    "demo",
    "deploy",
    "deploy_policy",
    "destroy",
    "docs",
    "doctor",
    "drift",
    "evidence",
    "gate",
    "init",
    "lint",
    "local",
    "main",
    "outputs",
    "plan",
    "plan_discard",
    "recover",
    "rehearse",
    "release",
    "render",
    "review",
    "secret",
    "status",
    "sweep",
    "unlock",
    "upgrade_check",
    "verify_evidence",
]
