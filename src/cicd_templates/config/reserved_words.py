"""Defines the reserved words. A reserved word in a physical name shows the purpose of the resource.

Checks, services and environments may not use these words as their names. Every physical name consists of reserved
words and of names from the configuration. A test verifies this for the rendered roles, projects, functions and
security groups.
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
APPROVAL_CHECK = "approval-check"
SIGNER = "signer"
STUCK = "stuck"
MEASURE = "measure"
VERIFY_IMAGE = "verify-image"
SMOKE = "smoke"
ROTATION = "rotation"
# Roles of a service.
ACTION = "action"
START = "start"
GITHUB_RELEASE = "github-release"
EXECUTION = "execution"
TASK = "task"
INFRASTRUCTURE = "infrastructure"
HOOKS = "hooks"
MIGRATION = "migration"
SCHEDULE = "schedule"
JOB_CHECK = "job-check"
# Words that come before the service's name, so that one pattern in a policy matches the roles of every service.
DELIVERY = "delivery"
SOURCE_ACTION = "action-source"
PIPELINE = "pipeline"
# Resources that exist once in an environment.
LOAD_BALANCER = "load-balancer"
FLOW_LOG = "flow-log"
DEAD_LETTERS = "dead-letters"
PULL_REQUEST = "pull-request"
# The function that creates the users of databases, and the role in each environment that it assumes for a database.
DATABASE_USERS = "database-users"

AFTER_A_SERVICE = frozenset(
    {
        IMAGE,
        BILL_OF_MATERIALS,
        IMAGE_SCAN,
        SMOKE_TEST,
        SCAN_GATE,
        REVIEW,
        APPROVAL_CHECK,
        SIGNER,
        STUCK,
        MEASURE,
        VERIFY_IMAGE,
        SMOKE,
        ROTATION,
        ACTION,
        START,
        GITHUB_RELEASE,
        EXECUTION,
        TASK,
        INFRASTRUCTURE,
        HOOKS,
        MIGRATION,
        SCHEDULE,
        JOB_CHECK,
    }
)
# Checks may not have these names, either. Such a check would get the same logical id or role as another action or alarm
# of the pipeline, or its name would be mistaken for a word that policies use.
OF_A_PIPELINE = frozenset(
    {
        "app",
        "approve",
        "bill-of-materials",
        "gate",
        "sign",
        "templates",
        "verdict",
        DELIVERY,
        PIPELINE,
        SOURCE_ACTION,
    }
)
BEFORE_A_SERVICE = frozenset({DELIVERY, EXECUTION, SOURCE_ACTION, PIPELINE, REVIEW, MIGRATION, JOB_CHECK})
OF_AN_ENVIRONMENT = BEFORE_A_SERVICE | {LOAD_BALANCER, FLOW_LOG, DEAD_LETTERS, PULL_REQUEST, DATABASE_USERS}
