"""Looks, before a deployment, at what would make it fail. Reads only; one subject a file."""

from cicd_templates.deploy.doctor.check import Check as Check
from cicd_templates.deploy.doctor.check import Patient as Patient
from cicd_templates.deploy.doctor.examination import checks as checks
