"""Creates image repositories. They are encrypted, have immutable tags, scan images, and limit who can pull images."""

from __future__ import annotations

import json
from collections.abc import Sequence

from awacs import ecr as actions
from awacs.aws import ArnEquals
from troposphere import Sub, ecr

from cicd_templates.blocks.removal_policies import stateful
from cicd_templates.config import reserved_words
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import physical_name, repository_arn, role_arn
from cicd_templates.config.private_images import private_repository
from cicd_templates.layer.iam import Grant, account_principal, allow, document
from cicd_templates.layer.outputs import KeyArn

PULL = [actions.BatchCheckLayerAvailability, actions.BatchGetImage, actions.GetDownloadUrlForLayer]
# Every released image has a tag; an image without a tag is left over from a failed push.
UNTAGGED_DAYS = 7
# Enough for several releases a week for a year. Without a limit, the registry would grow forever.
RELEASES_KEPT = 300

# Name of the role that pulls a service's image; the layer `service` creates the role.
EXECUTION_ROLE = reserved_words.EXECUTION
# Name of the hook whose role reads an image's scan before the image runs.
VERIFY_IMAGE = reserved_words.VERIFY_IMAGE


def repository(
    logical_id: str, env: Environment, service: Service, key: KeyArn, readers: Sequence[Environment]
) -> ecr.Repository:
    """Return the repository for a service's images.

    Each environment in `readers` has roles that start tasks. These roles may pull the images.

    The repository policy cannot name the roles as principals, because AWS refuses principals that do not exist yet.
    Instead, the principals are the accounts of the roles, and a condition admits only the roles.
    """
    store = stateful(
        ecr.Repository(
            logical_id,
            RepositoryName=physical_name(env, "AWS::ECR::Repository", service.name),
            ImageTagMutability="IMMUTABLE",
            ImageScanningConfiguration=ecr.ImageScanningConfiguration(ScanOnPush=True),
            EncryptionConfiguration=ecr.EncryptionConfiguration(EncryptionType="KMS", KmsKey=key),
            LifecyclePolicy=ecr.LifecyclePolicy(LifecyclePolicyText=json.dumps(_LIFECYCLE, indent=2)),
        ),
        env,
    )
    if readers:
        store.RepositoryPolicyText = document([_pull_grant(service, readers), *_scan_grants(service, readers)])
    if not env.protected:
        store.EmptyOnDelete = True
    return store


def _pull_grant(service: Service, readers: Sequence[Environment]) -> Grant:
    purposes = [[EXECUTION_ROLE], *([[reserved_words.MIGRATION, EXECUTION_ROLE]] if service.settings.migration else [])]
    roles = [Sub(role_arn(reader, service.name, *purpose)) for reader in readers for purpose in purposes]
    # A repository policy has no Resource element: it always applies to its own repository.
    return allow(
        "LetTheExecutionRolesPull",
        PULL,
        on=[],
        to=account_principal(*(reader.account for reader in readers)),
        when=[ArnEquals({"aws:PrincipalArn": roles})],
    )


def _scan_grants(service: Service, readers: Sequence[Environment]) -> list[Grant]:
    """Let the deployment hooks `verify-image` of the environments in `readers` read scan findings of the service."""
    verifying = [
        reader
        for reader in readers
        for own in reader.services
        if own.name == service.name and VERIFY_IMAGE in own.settings.hooks
    ]
    if not verifying:
        return []
    roles = [Sub(role_arn(reader, service.name, VERIFY_IMAGE, "function")) for reader in verifying]
    return [
        allow(
            "LetTheHooksReadScans",
            [actions.DescribeImageScanFindings],
            on=[],
            to=account_principal(*(reader.account for reader in verifying)),
            when=[ArnEquals({"aws:PrincipalArn": roles})],
        )
    ]


def may_pull(env: Environment, service: Service, images: Sequence[str] = ()) -> list[Grant]:
    """Let a role of `env` pull the service's image from the tools environment, and pull `images`.

    Only images in private ECR registries need a permission. If an image is in another account, the policy of its
    repository must also allow the pull.
    """
    own = repository_arn(env.tools, service.name)
    private = [repository.arn for image in images if (repository := private_repository(image))]
    others = [Sub(arn) for arn in dict.fromkeys(private) if arn != own]
    opened = "PullTheImage and PullConfiguredImages" if others else "PullTheImage"
    return [
        allow("PullTheImage", PULL, on=Sub(own)),
        *([allow("PullConfiguredImages", PULL, on=others)] if others else []),
        allow(
            "LogInToTheRegistry",
            [actions.GetAuthorizationToken],
            on="*",
            # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
            because="ecr:GetAuthorizationToken supports no resource-level permissions; its token gives access only to"
            f" the repositories in {opened}.",
        ),
    ]


_LIFECYCLE = {
    "rules": [
        {
            "rulePriority": 1,
            "description": "Images without a tag",
            "selection": {
                "tagStatus": "untagged",
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": UNTAGGED_DAYS,
            },
            "action": {"type": "expire"},
        },
        {
            "rulePriority": 2,
            "description": "The oldest releases",
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": RELEASES_KEPT},
            "action": {"type": "expire"},
        },
    ]
}
