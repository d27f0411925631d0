"""The other services that a deployment and a destruction read, as far as the simulation needs them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import botocore.session
from botocore import xform_name

from cicd_templates.template.partitions import object_url
from tests.fakes.simulated_aws import ACCOUNT, REGION, Paginator, Service, SimulatedAws, error

# How long the tagging API lists what is deleted (boto3#3341, aws-cli#4173), and how long it does not know what is new.
LISTED_AFTER_DELETION = 45 * 60.0
UNLISTED_AFTER_CREATION = 60.0
ARNS = {
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::SNS::Topic": "{}",
    "AWS::SSM::Parameter": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{{}}",
}


class ParameterStore(Service):
    def get_parameter(self, Name: str) -> Any:  # noqa: N803 - AWS's word
        def effect() -> Any:
            if Name not in self._aws.values:
                raise error("ParameterNotFound", "", "GetParameter")
            return {"Parameter": self._described(Name)}

        return self._call("GetParameter", effect)

    def put_parameter(self, Name: str, Value: str, Type: str, Description: str) -> Any:  # noqa: N803 - AWS's words
        def effect() -> Any:
            if Name in self._aws.values:
                message = (
                    "The parameter already exists. To overwrite this value, set the overwrite option in the request to"
                    " true."
                )
                raise error("ParameterAlreadyExists", message, "PutParameter")
            self._aws.values[Name] = Value
            return {"Version": 1, "Tier": "Standard"}

        return self._call("PutParameter", effect)

    def delete_parameter(self, Name: str) -> Any:  # noqa: N803 - AWS's word
        def effect() -> Any:
            if self._aws.values.pop(Name, None) is None:
                raise error("ParameterNotFound", "", "DeleteParameter")
            return {}

        return self._call("DeleteParameter", effect)

    def get_parameters(self, Names: list[str]) -> Any:  # noqa: N803 - AWS's word
        return self._call(
            "GetParameters",
            lambda: {
                "Parameters": [self._described(name) for name in Names if name in self._aws.values],
                "InvalidParameters": [name for name in Names if name not in self._aws.values],
            },
        )

    def get_parameters_by_path(self, Path: str, Recursive: bool, NextToken: str | None = None) -> Any:  # noqa: N803
        def effect() -> Any:
            found = sorted(name for name in self._aws.values if name.startswith(Path))
            return self._paged("Parameters", map(self._described, found), NextToken)

        return self._call("GetParametersByPath", effect)

    def _described(self, name: str) -> dict[str, Any]:
        arn = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/{name.removeprefix('/')}"
        value = self._aws.values[name]
        return {"Name": name, "Type": "String", "Value": value, "Version": 1, "ARN": arn, "DataType": "text"}


class Buckets(Service):
    """The S3 client. It has buckets of stacks and buckets that a stack kept, all without objects."""

    def _living(self) -> dict[str, list[Any]]:
        return {
            name: tags
            for (kind, name), (tags, _, deleted) in self._aws.tagged.items()
            if kind == "AWS::S3::Bucket" and deleted is None
        }

    def list_buckets(self, ContinuationToken: str | None = None) -> Any:  # noqa: N803
        def effect() -> Any:
            found = [{"Name": name} for name in self._living()]
            return self._paged("Buckets", found, ContinuationToken, "ContinuationToken")

        return self._call("ListBuckets", effect)

    def get_bucket_tagging(self, Bucket: str) -> Any:  # noqa: N803
        def effect() -> Any:
            tags = self._required(Bucket, "GetBucketTagging")
            if not tags:
                raise error("NoSuchTagSet", "The TagSet does not exist", "GetBucketTagging", 404)
            return {"TagSet": tags}

        return self._call("GetBucketTagging", effect)

    def head_bucket(self, Bucket: str) -> Any:  # noqa: N803
        def effect() -> Any:
            if Bucket not in self._living():
                # The answer to a HEAD request has no body, and so no code of S3.
                raise error("404", "Not Found", "HeadBucket", 404)
            return {}

        return self._call("HeadBucket", effect)

    def put_object(self, Bucket: str, Key: str, Body: bytes) -> Any:  # noqa: N803 - AWS's words
        def effect() -> Any:
            self._required(Bucket, "PutObject")
            version = str(self._aws.number())
            self._aws.uploaded[f"{object_url(REGION, Bucket, Key)}?versionId={version}"] = Body.decode()
            return {"VersionId": version}

        return self._call("PutObject", effect)

    def list_object_versions(self, Bucket: str, **request: Any) -> Any:  # noqa: N803
        return self._call("ListObjectVersions", lambda: self._empty(Bucket, "ListObjectVersions"))

    def list_multipart_uploads(self, Bucket: str, **request: Any) -> Any:  # noqa: N803
        return self._call("ListMultipartUploads", lambda: self._empty(Bucket, "ListMultipartUploads"))

    def _empty(self, name: str, operation: str) -> dict[str, Any]:
        """A list without entries: AWS leaves it out."""
        self._required(name, operation)
        return {"IsTruncated": False}

    def _required(self, name: str, operation: str) -> list[Any]:
        if name not in self._living():
            raise error("NoSuchBucket", "The specified bucket does not exist", operation, 404)
        return self._living()[name]


class Tagging(Service):
    """The Resource Groups Tagging API.

    It lists new resources a minute late, and deleted resources for another 45 minutes.
    """

    def get_resources(
        self,
        TagFilters: list[dict[str, Any]] = [],  # noqa: B006, N803
        ResourceARNList: list[str] = [],  # noqa: B006, N803
        PaginationToken: str | None = None,  # noqa: N803
    ) -> Any:
        def effect() -> Any:
            found = []
            now = self._aws.clock.seconds
            for (kind, name), (tags, made, deleted) in self._aws.tagged.items():
                listed = now - made >= UNLISTED_AFTER_CREATION and (
                    deleted is None or now - deleted < LISTED_AFTER_DELETION
                )
                arn = ARNS.get(kind, "").format(name)
                known = {tag["Key"]: tag["Value"] for tag in tags}
                fits = all(known.get(each["Key"]) in each["Values"] for each in TagFilters)
                if arn and listed and fits and (not ResourceARNList or arn in ResourceARNList):
                    found.append({"ResourceARN": arn, "Tags": tags})
            # The token is there on the last page too, and empty.
            page = self._paged("ResourceTagMappingList", found, PaginationToken, "PaginationToken")
            return {"PaginationToken": "", **page}

        return self._call("GetResources", effect)


class Protected(Service):
    """The tables and the database clusters of the stacks, each with its deletion protection."""

    def describe_table(self, TableName: str) -> Any:  # noqa: N803
        def effect() -> Any:
            protected = self._protected("AWS::DynamoDB::Table", TableName, "ResourceNotFoundException", "DescribeTable")
            return {"Table": {"TableName": TableName, "DeletionProtectionEnabled": protected}}

        return self._call("DescribeTable", effect)

    def describe_db_clusters(self, DBClusterIdentifier: str) -> Any:  # noqa: N803
        def effect() -> Any:
            kind, code = "AWS::RDS::DBCluster", "DBClusterNotFoundFault"
            protected = self._protected(kind, DBClusterIdentifier, code, "DescribeDBClusters")
            return {"DBClusters": [{"DBClusterIdentifier": DBClusterIdentifier, "DeletionProtection": protected}]}

        return self._call("DescribeDBClusters", effect)

    def _protected(self, kind: str, name: str, code: str, operation: str) -> bool:
        for stack in self._aws.stacks.values():
            for resource in stack.resources.values():
                if (resource.kind, resource.physical_id) == (kind, name):
                    return self._aws.is_protected(resource)
        raise error(code, "not found", operation, 404)


class Empty(Service):
    """A service without resources. Every list is empty."""

    def __init__(self, aws: SimulatedAws, name: str) -> None:
        super().__init__(aws)
        self._name = name

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        if operation.startswith("_"):
            # So that a simulation can be copied.
            raise AttributeError(operation)
        return lambda **request: self._call(operation, lambda: _empty(self._name, operation))

    def get_paginator(self, name: str) -> Paginator:
        return Paginator(self.__getattr__(name))


@cache
def _operations(service: str) -> dict[str, Any]:
    model = botocore.session.Session().get_service_model(service)
    return {xform_name(name): model.operation_model(name) for name in model.operation_names}


def _empty(service: str, operation: str) -> dict[str, Any]:
    """Return an answer without the list, because AWS omits an empty list."""
    shape = _operations(service)[operation].output_shape
    return {name: [] for name, member in shape.members.items() if member.type_name == "list"} if shape else {}
