"""The checks, in the order in which they run. Each file has the checks of one kind; this module only orders them."""

from cicd_templates.acceptance.check import Check
from cicd_templates.acceptance.checks import (
    certificates,
    deployments,
    destruction,
    doctor,
    first_creations,
    permissions,
    questions,
    releases,
    running,
)

CHECKS: tuple[Check, ...] = (
    certificates.CERTIFICATES,
    permissions.PERMISSIONS,
    doctor.DOCTOR,
    first_creations.DECLINED,
    first_creations.FAILED,
    deployments.DEPLOYED,
    deployments.UNCHANGED,
    running.KEYS,
    running.ALARMS,
    running.HEARD,
    running.DRIFT_FOUND,
    releases.RELEASED,
    releases.MIGRATED,
    *questions.QUESTIONS,
    releases.VERIFIED,
    releases.STOPPED,
    running.BLUE_GREEN,
    destruction.DESTROYED,
    destruction.REMOVED,
    destruction.STILL_GONE,
)
