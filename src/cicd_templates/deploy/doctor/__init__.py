"""Looks, before a deployment, at what would make it fail. Reads only; one subject a file."""

from cicd_templates.deploy.doctor.checks import Check as Check
from cicd_templates.deploy.doctor.checks import Patient as Patient
from cicd_templates.deploy.doctor.examine import checks as checks
