"""The words that say in physical names what a resource is for; checks, services and environments may not be named so.

Blocks and layers spell a name with these constants and with words from the configuration; a test finds each rendered
role, project, function and security group that has another word.
"""

from __future__ import annotations

# Build projects of a service.
IMAGE = "image"
BILL_OF_MATERIALS = "sbom"
IMAGE_SCAN = "image-scan"
SMOKE_TEST = "smoke-test"
# Functions of a service's pipeline and of its deployments.
SCAN_GATE = "scan-gate"
REVIEW = "review"
STUCK = "stuck"
MEASURE = "measure"
VERIFY_IMAGE = "verify-image"
SMOKE = "smoke"
# Roles of a service.
ACTION = "action"
START = "start"
GITHUB_RELEASE = "github-release"
EXECUTION = "execution"
TASK = "task"
INFRASTRUCTURE = "infrastructure"
HOOKS = "hooks"
# Words that come before the service's name, so that one pattern of a policy matches the roles of every service.
DELIVERY = "delivery"
SOURCE_ACTION = "action-source"
PIPELINE = "pipeline"
# Resources that an environment has once.
LOAD_BALANCER = "load-balancer"
FLOW_LOG = "flow-log"
DEAD_LETTERS = "dead-letters"

AFTER_A_SERVICE = frozenset(
    {
        IMAGE,
        BILL_OF_MATERIALS,
        IMAGE_SCAN,
        SMOKE_TEST,
        SCAN_GATE,
        REVIEW,
        STUCK,
        MEASURE,
        VERIFY_IMAGE,
        SMOKE,
        ACTION,
        START,
        GITHUB_RELEASE,
        EXECUTION,
        TASK,
        INFRASTRUCTURE,
        HOOKS,
    }
)
# Actions and an alarm of the pipeline, whose logical ids and roles a check of the name would have, and the words of
# policies, for which nobody shall take a check.
OF_A_PIPELINE = frozenset(
    {
        "app",
        "approve",
        "bill-of-materials",
        "gate",
        "templates",
        "verdict",
        DELIVERY,
        PIPELINE,
        SOURCE_ACTION,
    }
)
BEFORE_A_SERVICE = frozenset({DELIVERY, EXECUTION, SOURCE_ACTION, PIPELINE, REVIEW})
OF_AN_ENVIRONMENT = BEFORE_A_SERVICE | {LOAD_BALANCER, FLOW_LOG, DEAD_LETTERS}
