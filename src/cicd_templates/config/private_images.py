"""Finds the account, the region and the repository in the address of an image in a private ECR registry."""

from __future__ import annotations

import re
from typing import NamedTuple

_PRIVATE = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+/(?P<repository>[^@]+)@.+")


class PrivateRepository(NamedTuple):
    """A repository in the private ECR registry of an account and a region."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        """The repository's ARN, as text for `Fn::Sub`."""
        return f"arn:${{AWS::Partition}}:ecr:{self.region}:{self.account}:repository/{self.name}"


def private_repository(image: str) -> PrivateRepository | None:
    """Return the repository in the address of an image, or None if the address is not in a private ECR registry.

    The address must contain the digest of the image.
    """
    match = _PRIVATE.fullmatch(image)
    return PrivateRepository(match["account"], match["region"], match["repository"]) if match else None
