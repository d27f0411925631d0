"""Returns IAM grants for buckets of other stacks: get the bucket's properties, and list, read or put objects."""

from __future__ import annotations

from awacs import s3 as actions
from awacs.aws import StringEquals

from cicd_templates.layer.iam import Grant, ResourceArn, allow, deny
from cicd_templates.layer.outputs import BucketName, joined_text


def bucket_arn(bucket: BucketName, keys: str | None = None) -> ResourceArn:
    """Return the ARN of `bucket`. If `keys` is given, return an ARN pattern for the objects whose keys match `keys`."""
    return joined_text("arn:${AWS::Partition}:s3:::", bucket, f"/{keys}" if keys else "")


def may_read(sid: str, bucket: BucketName, *keys: str) -> Grant:
    """Let a role read all versions of the objects whose keys match one of `keys`."""
    return allow(
        sid, [actions.GetObject, actions.GetObjectVersion], on=[bucket_arn(bucket, pattern) for pattern in keys]
    )


def may_list(sid: str, bucket: BucketName, prefix: str) -> Grant:
    """Let a role list the objects whose keys begin with `prefix`. The list request must contain exactly this prefix."""
    return allow(sid, [actions.ListBucket], on=bucket_arn(bucket), when=[StringEquals({"s3:prefix": prefix})])


def may_read_tagged(sid: str, bucket: BucketName, *keys: str) -> Grant:
    """Let a pipeline's source action read objects and their tags. CodePipeline copies both to the action's artifact.

    https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-S3.html
    """
    return allow(
        sid,
        [actions.GetObject, actions.GetObjectTagging, actions.GetObjectVersion, actions.GetObjectVersionTagging],
        on=[bucket_arn(bucket, pattern) for pattern in keys],
    )


def may_find(sid: str, bucket: BucketName) -> Grant:
    """Let a role read a bucket's region, owner and versioning.

    CodeBuild and CodePipeline read these properties before they use a bucket.
    """
    return allow(
        sid,
        [actions.GetBucketAcl, actions.GetBucketLocation, actions.GetBucketVersioning],
        on=bucket_arn(bucket),
    )


def may_put_tagged(sid: str, bucket: BucketName, keys: str) -> Grant:
    """Let a pipeline's source action put tagged objects whose keys match one of `keys`."""
    return allow(sid, [actions.PutObject, actions.PutObjectTagging], on=bucket_arn(bucket, keys))


def may_put(sid: str, bucket: BucketName, *keys: str) -> Grant:
    """Let a role put objects whose keys match one of `keys`.

    If an object is replaced, the bucket keeps the old version of the object.
    """
    return allow(sid, [actions.PutObject], on=[bucket_arn(bucket, pattern) for pattern in keys])


def may_read_and_put(sid: str, bucket: BucketName, *keys: str) -> Grant:
    """Let a role read all versions of the objects whose keys match one of `keys`, and put objects with these keys."""
    on = [bucket_arn(bucket, pattern) for pattern in keys]
    return allow(sid, [actions.GetObject, actions.GetObjectVersion, actions.PutObject], on=on)


def may_not_put(sid: str, bucket: BucketName, *keys: str) -> Grant:
    """Forbid a role to put objects whose keys match one of the patterns `keys`. No other grant can allow this."""
    return deny(sid, [actions.PutObject], on=[bucket_arn(bucket, pattern) for pattern in keys])
