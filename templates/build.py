"""Layer `build`: the projects that check a release, build its image, list its parts, scan it and try it out."""

from __future__ import annotations

from awacs import ecr, inspector2, secretsmanager
from troposphere import Sub
from troposphere import secretsmanager as secrets

from cicd_templates.blocks.bucket_access import may_put, may_read
from cicd_templates.blocks.build_projects import (
    DOCKER_IMAGES,
    Build,
    Where,
    may_report,
    project,
    report_group,
    sha256,
)
from cicd_templates.blocks.lifecycle import stateful
from cicd_templates.builds import buildspecs
from cicd_templates.builds.presets import ReleaseCheck, checks_of
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import physical_name, repository_arn, title
from cicd_templates.layer.iam import Grant, allow
from cicd_templates.layer.outputs import BucketName, RepositoryUri
from cicd_templates.layer.template import LayerTemplate
from templates import keys, registry, scan_gate, storage

IMAGE = "image"
BILL_OF_MATERIALS = "sbom"
IMAGE_SCAN = "image-scan"
# The cache of the checks that run nothing of the application.
JUDGES = "judges"
SMOKE_TEST = "smoke-test"
# Longer than the scan itself waits, shorter than anybody does.
SHORT_MINUTES = 10


def build(env: Environment, service: Service) -> LayerTemplate:
    """One project a check, and four for the rest of a run; only the one that builds the image has Docker."""
    layer = LayerTemplate(env, service)
    where = Where(
        env,
        service,
        layer.read(keys.KEY_ARN),
        layer.read(storage.ARTIFACTS_BUCKET),
        layer.read(storage.CACHE_BUCKET),
        layer.read(storage.EVIDENCE_BUCKET),
    )
    stored = _secrets(where)
    layer.add_all(list(stored.values()))
    for check in checks_of(service):
        built = layer.add_all(_check(where, check, stored))
        if check.format == "junit":
            layer.add(report_group(f"{built.project.title}Reports", built, buildspecs.RESULTS))
    layer.add_all(_image(where, layer.read(registry.REPOSITORY_URI), layer.read(storage.SOURCE_BUCKET)))
    layer.add_all(_bill_of_materials(where))
    layer.add_all(_image_scan(where))
    layer.add_all(_smoke_test(where))
    return layer


def purposes(service: Service) -> list[str]:
    """What a release needs projects for: its checks, and what comes after the gate."""
    return [*(check.name for check in checks_of(service)), IMAGE, BILL_OF_MATERIALS, IMAGE_SCAN, SMOKE_TEST]


def _secrets(where: Where) -> dict[str, secrets.Secret]:
    """Return the secrets that the checks name, by name; `make secret` sets their values."""
    names = sorted({name for check in checks_of(where.service) for name in check.secrets.values()})
    return {
        name: stateful(
            secrets.Secret(
                f"{title(name)}Secret",
                Name=physical_name(where.env, "AWS::SecretsManager::Secret", where.service.name, name),
                Description=f"{name} of {where.service.name}; its value comes from make secret",
                KmsKeyId=where.key,
            ),
            where.env,
        )
        for name in names
    }


def _check(where: Where, check: ReleaseCheck, stored: dict[str, secrets.Secret]) -> Build:
    grants: list[Grant] = []
    if check.secrets:
        own = [stored[name].ref() for name in sorted(set(check.secrets.values()))]
        grants.append(allow("ReadItsSecret", [secretsmanager.GetSecretValue], on=own))
    if check.format == "junit":
        grants.append(may_report(where.env, where.service, check.name, buildspecs.RESULTS))
    return project(
        title(check.name),
        where,
        check.name,
        buildspecs.check(where.service, check),
        *grants,
        description=f"Check {check.name}: writes a report, decides nothing",
        timeout_minutes=check.timeout_minutes,
        hands_on=scan_gate.report_artifact(check.name),
        # What runs the application could leave something in a cache for those that judge it.
        cache=f"check-{check.name}" if check.runs_application else JUDGES,
        image=check.image,
        secrets={variable: stored[name].ref() for variable, name in check.secrets.items()},
    )


def _image(where: Where, repository_uri: RepositoryUri, source: BucketName) -> Build:
    service = where.service
    buildspec = buildspecs.image(service)
    return project(
        "Image",
        where,
        IMAGE,
        buildspec,
        _may_put_evidence(where),
        may_read("ReadTheReleasedSource", source, service.release_key),
        *_may_push(where.env, service),
        description="Builds the image of a source version once and pushes it",
        timeout_minutes=service.settings.build.timeout_minutes,
        image=DOCKER_IMAGES[service.settings.architecture],
        variables={
            "SERVICE": service.name,
            "REPOSITORY": _repository(where),
            "REPOSITORY_URI": repository_uri,
            "SOURCE_BUCKET": source,
            "SOURCE_OBJECT": service.release_key,
            "EVIDENCE_BUCKET": where.evidence,
            "BUILDSPEC_SHA256": sha256(buildspec),
        },
    )


def _bill_of_materials(where: Where) -> Build:
    return project(
        "BillOfMaterials",
        where,
        BILL_OF_MATERIALS,
        buildspecs.bill_of_materials(where.service),
        _may_put_evidence(where),
        _may_compare_evidence(where),
        description="Lists what the service is made of, as CycloneDX",
        timeout_minutes=SHORT_MINUTES,
        cache=BILL_OF_MATERIALS,
        variables={"SERVICE": where.service.name, "EVIDENCE_BUCKET": where.evidence},
    )


def _image_scan(where: Where) -> Build:
    return project(
        "ImageScan",
        where,
        IMAGE_SCAN,
        buildspecs.image_scan(),
        _may_put_evidence(where),
        _may_compare_evidence(where),
        *_may_read_the_scan(where.env, where.service),
        description="Stops a release whose image the registry finds vulnerable",
        timeout_minutes=SHORT_MINUTES,
        variables={
            "SERVICE": where.service.name,
            "REPOSITORY": _repository(where),
            "SEVERITIES": ",".join(where.service.settings.build.scan_severities),
            "EVIDENCE_BUCKET": where.evidence,
        },
    )


def _smoke_test(where: Where) -> Build:
    return project(
        "SmokeTest",
        where,
        SMOKE_TEST,
        buildspecs.smoke_test(where.service),
        description="Tests a deployed release from outside",
        timeout_minutes=SHORT_MINUTES,
    )


def _repository(where: Where) -> str:
    return physical_name(where.env, "AWS::ECR::Repository", where.service.name)


def _may_put_evidence(where: Where) -> Grant:
    return may_put("PutEvidence", where.evidence, f"{where.service.name}/*")


def _may_compare_evidence(where: Where) -> Grant:
    return may_read("CompareEvidence", where.evidence, f"{where.service.name}/*")


def _may_push(env: Environment, service: Service) -> list[Grant]:
    return [
        allow(
            "PushTheImage",
            [
                ecr.BatchCheckLayerAvailability,
                ecr.BatchGetImage,
                ecr.CompleteLayerUpload,
                ecr.DescribeImages,
                ecr.GetDownloadUrlForLayer,
                ecr.InitiateLayerUpload,
                ecr.PutImage,
                ecr.UploadLayerPart,
            ],
            on=Sub(repository_arn(env, service.name)),
        ),
        allow(
            "LogInToTheRegistry",
            [ecr.GetAuthorizationToken],
            on="*",
            because="ecr:GetAuthorizationToken has no resource level; its token opens only what PushTheImage names.",
        ),
    ]


def _may_read_the_scan(env: Environment, service: Service) -> list[Grant]:
    own = Sub(repository_arn(env, service.name))
    grants = [allow("ReadTheScan", [ecr.DescribeImages, ecr.DescribeImageScanFindings], on=own)]
    if env.pipeline.enhanced_scanning:
        # https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-enhanced-iam.html
        grants.append(
            allow(
                "ReadWhatInspectorFound",
                [inspector2.ListCoverage, inspector2.ListFindings],
                on="*",
                because="inspector2:List... have no resource level; ECR asks them for the findings of an image.",
            )
        )
    return grants
