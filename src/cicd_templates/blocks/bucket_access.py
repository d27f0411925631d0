"""What a role may do with buckets that another layer owns: read, write, or put what nobody may replace."""

from __future__ import annotations

from awacs import s3 as actions

from cicd_templates.layer.iam import Grant, Resource, allow
from cicd_templates.layer.outputs import BucketName, text


def bucket_arn(bucket: BucketName, keys: str | None = None) -> Resource:
    """The ARN of a bucket known by its name, or of the objects whose keys begin as `keys` says."""
    return text("arn:${AWS::Partition}:s3:::", bucket, f"/{keys}" if keys else "")


def may_read(sid: str, bucket: BucketName, keys: str = "*") -> Grant:
    """Lets a role read objects and their versions; `keys` ends in `*` for all that begin alike."""
    return allow(sid, [actions.GetObject, actions.GetObjectVersion], on=bucket_arn(bucket, keys))


def may_find(sid: str, bucket: BucketName) -> Grant:
    """Lets a role ask where and whose a bucket is, which CodeBuild and CodePipeline do before they use it."""
    return allow(
        sid,
        [actions.GetBucketAcl, actions.GetBucketLocation, actions.GetBucketVersioning],
        on=bucket_arn(bucket),
    )


def may_put(sid: str, bucket: BucketName, keys: str = "*") -> Grant:
    """Lets a role put objects; what they replace stays as a version."""
    return allow(sid, [actions.PutObject], on=bucket_arn(bucket, keys))
