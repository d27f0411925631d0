"""The checks, in the order in which they run. Each file has the checks of one kind; this module only orders them."""

from cicd_templates.acceptance.check import Check
from cicd_templates.acceptance.checks import (
    certificates,
    deployments,
    destruction,
    doctor,
    first_creations,
    permissions,
)

CHECKS: tuple[Check, ...] = (
    certificates.CERTIFICATES,
    permissions.PERMISSIONS,
    doctor.DOCTOR,
    first_creations.DECLINED,
    first_creations.FAILED,
    deployments.DEPLOYED,
    deployments.UNCHANGED,
    destruction.DESTROYED,
    destruction.REMOVED,
    destruction.STILL_GONE,
)
