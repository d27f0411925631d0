"""Images in private ECR registries: the account, the region and the repository that an image's address names."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PRIVATE = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+/(?P<repository>[^@]+)@.+")


@dataclass(frozen=True)
class PrivateRepository:
    """A repository in the private ECR registry of an account and a region."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        """The repository's ARN, as text for `Fn::Sub`."""
        return f"arn:${{AWS::Partition}}:ecr:{self.region}:{self.account}:repository/{self.name}"


def private_repository(image: str) -> PrivateRepository | None:
    """Return the private repository of an image by digest, or None if its registry is not a private one of ECR."""
    match = _PRIVATE.fullmatch(image)
    return PrivateRepository(match["account"], match["region"], match["repository"]) if match else None
