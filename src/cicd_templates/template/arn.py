"""Parses and writes Amazon Resource Names.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
"""

from __future__ import annotations

from typing import NamedTuple

_FIELDS = 6


class Arn(NamedTuple):
    """An Amazon Resource Name. `region` and `account` are empty if the service omits them, as S3 does.

    `resource` is everything after the account, with its colons and slashes.
    """

    partition: str
    service: str
    region: str
    account: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> Arn:
        """Return `text` as an `Arn`. Raises `ValueError` if `text` is not an ARN."""
        prefix, *fields = text.split(":", _FIELDS - 1)
        if prefix != "arn" or len(fields) != _FIELDS - 1 or not all((fields[0], fields[1], fields[4])):
            raise ValueError(f"{text!r} is not an ARN")
        return cls(*fields)

    @property
    def resource_kind(self) -> str:
        """The first part of `resource`, such as `function`. It is all of `resource` if there is only one part."""
        return self.resource.replace(":", "/").partition("/")[0]

    @property
    def resource_name(self) -> str:
        """The part of `resource` after the kind and the separator, or an empty string if nothing follows the kind."""
        return self.resource[len(self.resource_kind) + 1 :]

    def __str__(self) -> str:
        return ":".join(("arn", self.partition, self.service, self.region, self.account, self.resource))
