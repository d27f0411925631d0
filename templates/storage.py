"""Layer `storage`: buckets for sources, templates, artifacts, caches, evidence and access logs."""

from __future__ import annotations

from troposphere import events, s3

from cicd_templates.blocks.buckets import (
    delivery_roles_may_read,
    encrypted_bucket,
    encrypted_bucket_policy,
    lock_change_rule,
    lock_objects,
    log_delivery_bucket,
    log_delivery_policy,
    refuse_replacement,
    refuse_source_replacement,
    refuse_unlocking,
)
from cicd_templates.blocks.event_rules import MonitoredEnvironment
from cicd_templates.blocks.image_hooks import hooks_may_read_statements
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import APP, TEMPLATES
from cicd_templates.layer.outputs import BucketName, KeyArn, Output
from cicd_templates.layer.template import LayerTemplate
from templates import keys, notifications

UPLOADS_BUCKET = Output(BucketName, "storage", "UploadsBucketName", "Templates that are too large for one request")
LOG_DELIVERY_BUCKET = Output(
    BucketName, "storage", "LogDeliveryBucketName", "Access logs of buckets and load balancers"
)
SOURCE_BUCKET = Output(BucketName, "storage", "SourceBucketName", "Application sources; a new version starts a run")
TEMPLATES_BUCKET = Output(BucketName, "storage", "TemplatesBucketName", "The reviewed templates that a run deploys")
ARTIFACTS_BUCKET = Output(BucketName, "storage", "ArtifactsBucketName", "Artifacts that the actions of a run exchange")
CACHE_BUCKET = Output(BucketName, "storage", "CacheBucketName", "Caches of downloaded dependencies for builds")
EVIDENCE_BUCKET = Output(
    BucketName, "storage", "EvidenceBucketName", "Verdicts, reports, bills of materials and provenance of runs"
)

# Three years. Replaced sources and templates are stored for as long as the evidence of the runs that used them.
EVIDENCE_DAYS = 1096
# A rollback deploys the artifact of the last good release, which can be more than a year old.
ARTIFACT_DAYS = 400
CACHE_DAYS = 30


def build(env: Environment) -> LayerTemplate:
    """Return the buckets for uploads and for logs.

    In the tools environment, also return the buckets of the pipeline.
    """
    layer = LayerTemplate(env)
    key = layer.read(keys.KEY_ARN)
    logs = layer.add(log_delivery_bucket("LogDelivery", env))
    layer.add(log_delivery_policy("LogDeliveryPolicy", logs, env, load_balancers=env.kind == "runtime"))
    buckets = {UPLOADS_BUCKET: encrypted_bucket("Uploads", env, "uploads", key=key, logs=logs, expire_days=90)}
    if env.kind == "tools":
        buckets |= _pipeline_buckets(env, key, logs)
    layer.publish(LOG_DELIVERY_BUCKET, BucketName(logs.ref()))
    for output, bucket in buckets.items():
        layer.add(bucket)
        grants = []
        if output is ARTIFACTS_BUCKET:
            grants = [
                refuse_source_replacement(bucket, env, APP, TEMPLATES),
                delivery_roles_may_read(bucket, TEMPLATES, *env.route),
            ]
        elif output is EVIDENCE_BUCKET:
            grants = [refuse_replacement(bucket), *hooks_may_read_statements(bucket, env)]
            if env.evidence_lock_mode and env.protected:
                grants.append(refuse_unlocking(bucket))
            if env.evidence_lock_mode:
                layer.add(_lock_rule(layer, bucket))
        layer.add(encrypted_bucket_policy(f"{bucket.title}Policy", bucket, key, *grants))
        layer.publish(output, BucketName(bucket.ref()))
    return layer


def _lock_rule(layer: LayerTemplate, bucket: s3.Bucket) -> events.Rule:
    monitored = MonitoredEnvironment(layer.env, layer.read(notifications.DEAD_LETTER_QUEUE))
    security, operations = layer.read(notifications.SECURITY), layer.read(notifications.OPERATIONS)
    return lock_change_rule(f"{bucket.title}LockChangedRule", monitored, bucket, security, operations)


def _pipeline_buckets(env: Environment, key: KeyArn, logs: s3.Bucket) -> dict[Output[BucketName], s3.Bucket]:
    return {
        SOURCE_BUCKET: encrypted_bucket(
            "Source", env, "source", key=key, logs=logs, noncurrent_days=EVIDENCE_DAYS, notify=True
        ),
        TEMPLATES_BUCKET: encrypted_bucket(
            "Templates", env, "templates", key=key, logs=logs, noncurrent_days=EVIDENCE_DAYS
        ),
        ARTIFACTS_BUCKET: encrypted_bucket(
            "Artifacts", env, "artifacts", key=key, logs=logs, expire_days=ARTIFACT_DAYS
        ),
        CACHE_BUCKET: encrypted_bucket(
            "Cache", env, "cache", key=key, logs=logs, expire_days=CACHE_DAYS, noncurrent_days=1
        ),
        EVIDENCE_BUCKET: _evidence_bucket(env, key, logs),
    }


def _evidence_bucket(env: Environment, key: KeyArn, logs: s3.Bucket) -> s3.Bucket:
    """Return the bucket for evidence. No object expires before its Object Lock retention ends."""
    lock_days = env.evidence.lock_days
    expire_days = max(EVIDENCE_DAYS, lock_days or 0)
    bucket = encrypted_bucket(
        "Evidence", env, "evidence", key=key, logs=logs, expire_days=expire_days, noncurrent_days=EVIDENCE_DAYS
    )
    return lock_objects(bucket, env.evidence_lock_mode, lock_days) if lock_days else bucket
