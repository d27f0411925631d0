"""Resource types of AWS Certificate Manager."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::CertificateManager::Certificate",
        loss="a validated certificate",
    ),
)
