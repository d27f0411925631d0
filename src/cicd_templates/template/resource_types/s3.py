"""Resource types of S3."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import NameScope, PolicyCheck, ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::S3::Bucket",
        name_property="BucketName",
        name_limit=63,
        name_scope=NameScope.GLOBAL,
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
        reserved_beginnings=("xn--", "sthree-", "amzn-s3-demo-"),
        import_identifier="BucketName",
        create_only=frozenset({"BucketNamePrefix", "BucketNamespace"}),
        loss="objects",
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-configure.html
        irreversible={
            "ObjectLockEnabled": "Object Lock can never be switched off again, and versioning can never be suspended;"
            " only new object versions are locked, and existing versions stay unlocked",
        },
        kept_when_protected=True,
        policies_checked_by=PolicyCheck.OWN_RULE,
        arns={"bucket": "s3:::{name}", "object": "s3:::{name}/*"},
    ),
)
