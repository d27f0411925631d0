"""Source actions of S3: exactly the version that started the run, and of every other source the newest.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-S3.html
"""

from __future__ import annotations

from cicd_templates.deploy.releases.release import SOURCE_ACTION
from cicd_templates.rehearsal import artifacts
from cicd_templates.rehearsal.context import Run
from cicd_templates.rehearsal.definition import Action
from cicd_templates.rehearsal.result import Step


def act(run: Run, action: Action, step: Step) -> dict[str, str]:
    """Take the object as the action's role and hand it on; the variables that CodePipeline puts out."""
    configuration = run.configured(action)
    bucket, key = configuration["S3Bucket"], configuration["S3ObjectKey"]
    s3 = run.act(action, step).client("s3")
    s3.get_bucket_location(Bucket=bucket)
    s3.get_bucket_acl(Bucket=bucket)
    s3.get_bucket_versioning(Bucket=bucket)
    # Without a version of its own it takes the newest, and from then on that one.
    found = s3.head_object(Bucket=bucket, Key=key)
    version = run.source_version if action.name == SOURCE_ACTION else found["VersionId"]
    taken = s3.get_object(Bucket=bucket, Key=key, VersionId=version)
    (name,) = action.outputs
    run.artifacts[name] = artifacts.put(s3, run.pipeline, name, taken["Body"].read())
    return {"BucketName": bucket, "ObjectKey": key, "VersionId": version, "ETag": taken["ETag"].strip('"')}
