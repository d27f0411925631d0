"""The account, the region and the repository in the address of an image."""

from __future__ import annotations

import pytest

from cicd_templates.config.private_images import PrivateRepository, private_repository

DIGEST = f"@sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("111111111111.dkr.ecr.eu-west-1.amazonaws.com/a", PrivateRepository("111111111111", "eu-west-1", "a")),
        (
            "222222222222.dkr.ecr.cn-north-1.amazonaws.com.cn/a/b.c",
            PrivateRepository("222222222222", "cn-north-1", "a/b.c"),
        ),
        ("public.ecr.aws/nginx/nginx", None),
        ("docker.io/111111111111.dkr.ecr.eu-west-1.amazonaws.com/a", None),
        ("11.dkr.ecr.eu-west-1.amazonaws.com/a", None),
    ],
)
def test_only_private_registries_of_ecr_have_a_repository_with_an_arn(
    image: str, repository: PrivateRepository | None
) -> None:
    assert private_repository(f"{image}{DIGEST}") == repository


def test_the_arn_is_in_the_partition_of_the_stack() -> None:
    arn = PrivateRepository("111111111111", "eu-west-1", "a/b").arn

    assert arn == "arn:${AWS::Partition}:ecr:eu-west-1:111111111111:repository/a/b"
