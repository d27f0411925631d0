"""Layer `build`: the CodeBuild projects that check a release, build and scan its image, and test it."""

from __future__ import annotations

from awacs import ecr, inspector2, secretsmanager
from troposphere import Sub
from troposphere import secretsmanager as secrets

from cicd_templates.blocks.bucket_access import may_not_put, may_put, may_read
from cicd_templates.blocks.build_projects import (
    DOCKER_IMAGES,
    BuildContext,
    BuildProject,
    may_report,
    project,
    report_group,
)
from cicd_templates.blocks.removal_policies import stateful
from cicd_templates.builds import buildspecs, image_build
from cicd_templates.builds.configured_checks import checks_of
from cicd_templates.builds.release_check import ReleaseCheck
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import physical_name, report_artifact, repository_arn, title
from cicd_templates.config.reserved_words import BILL_OF_MATERIALS, IMAGE, IMAGE_SCAN, SMOKE_TEST
from cicd_templates.layer.iam import Grant, allow
from cicd_templates.layer.outputs import RepositoryUri
from cicd_templates.layer.template import LayerTemplate
from templates import keys, registry, storage

# The scan build waits for the findings for less than this time. A build that hangs ends after this time.
SHORT_MINUTES = 10


def build(env: Environment, service: Service) -> LayerTemplate:
    """Return a CodeBuild project for each check, and for each step after the scan gate, such as building the image.

    Only the project that builds the image has a Docker engine.
    """
    layer = LayerTemplate(env, service)
    context = BuildContext(
        env,
        service,
        layer.read(keys.KEY_ARN),
        layer.read(storage.ARTIFACTS_BUCKET),
        layer.read(storage.CACHE_BUCKET),
        layer.read(storage.EVIDENCE_BUCKET),
    )
    stored = _secrets(context)
    layer.add_all(list(stored.values()))
    for check in checks_of(service):
        built = layer.add_all(_check(context, check, stored))
        if check.format == "junit":
            layer.add(report_group(f"{built.project.title}Reports", built, buildspecs.RESULTS))
    layer.add_all(_image(context, layer.read(registry.REPOSITORY_URI)))
    layer.add_all(_bill_of_materials(context))
    layer.add_all(_image_scan(context))
    if service.settings.is_web:
        layer.add_all(_smoke_test(context))
    return layer


def purposes(service: Service) -> list[str]:
    """Return the purposes of the service's CodeBuild projects. The name of each project contains its purpose.

    The purposes are the names of the checks, and then the names of the steps after the gate.
    """
    tests = [SMOKE_TEST] if service.settings.is_web else []
    return [*(check.name for check in checks_of(service)), IMAGE, BILL_OF_MATERIALS, IMAGE_SCAN, *tests]


def _secrets(context: BuildContext) -> dict[str, secrets.Secret]:
    """Return the secrets that the checks use, keyed by name; `make secret` sets their values."""
    names = sorted({name for check in checks_of(context.service) for name in check.secrets.values()})
    return {
        name: stateful(
            secrets.Secret(
                f"{title(name)}Secret",
                Name=physical_name(context.env, "AWS::SecretsManager::Secret", context.service.name, name),
                Description=f"{name} of {context.service.name}; set its value with `make secret`",
                KmsKeyId=context.key,
            ),
            context.env,
        )
        for name in names
    }


def _check(context: BuildContext, check: ReleaseCheck, stored: dict[str, secrets.Secret]) -> BuildProject:
    grants: list[Grant] = []
    if check.secrets:
        secret_arns = [stored[name].ref() for name in sorted(set(check.secrets.values()))]
        grants.append(allow("ReadItsSecret", [secretsmanager.GetSecretValue], on=secret_arns))
    if check.format == "junit":
        grants.append(may_report(context.env, context.service, check.name, buildspecs.RESULTS))
    return project(
        title(check.name),
        context,
        check.name,
        buildspecs.check(context.service, check),
        *grants,
        description=f"Check {check.name}: writes a report; the gate decides about it",
        timeout_minutes=check.timeout_minutes,
        report_artifact=report_artifact(check.name),
        # No two checks share a cache, because a check that runs the application's code could write harmful files to its
        # cache.
        cached=True,
        image=check.image,
        runs_application=check.runs_application,
        secrets={variable: stored[name].ref() for variable, name in check.secrets.items()},
    )


def _image(context: BuildContext, repository_uri: RepositoryUri) -> BuildProject:
    service = context.service
    return project(
        "Image",
        context,
        IMAGE,
        image_build.image(service),
        *_may_put_evidence(context, "image-packages*.cdx.json"),
        *_may_push(context.env, service),
        description="Builds the image of a source version once, and pushes it",
        timeout_minutes=service.settings.build.timeout_minutes,
        image=DOCKER_IMAGES[service.settings.architecture],
        variables={
            "SERVICE": service.name,
            "REPOSITORY": _repository(context),
            "REPOSITORY_URI": repository_uri,
            "EVIDENCE_BUCKET": context.evidence,
        },
    )


def _bill_of_materials(context: BuildContext) -> BuildProject:
    return project(
        "BillOfMaterials",
        context,
        BILL_OF_MATERIALS,
        buildspecs.bill_of_materials(context.service),
        *_may_put_evidence(context, "sbom.cdx*.json"),
        _may_compare_evidence(context, "sbom.cdx*.json"),
        description="Lists the components of the service, as CycloneDX",
        timeout_minutes=SHORT_MINUTES,
        cached=True,
        variables={"SERVICE": context.service.name, "EVIDENCE_BUCKET": context.evidence},
    )


def _image_scan(context: BuildContext) -> BuildProject:
    return project(
        "ImageScan",
        context,
        IMAGE_SCAN,
        buildspecs.image_scan(),
        *_may_put_evidence(context, "image-scan*.json"),
        _may_compare_evidence(context, "image-scan*.json"),
        *_may_read_the_scan(context.env, context.service),
        description="Stops a release whose image has vulnerabilities that the registry found",
        timeout_minutes=SHORT_MINUTES,
        variables={
            "SERVICE": context.service.name,
            "REPOSITORY": _repository(context),
            "SEVERITIES": ",".join(context.service.settings.build.scan_severities),
            "UNRATED": context.service.settings.build.scan_unrated,
            "EVIDENCE_BUCKET": context.evidence,
        },
    )


def _smoke_test(context: BuildContext) -> BuildProject:
    return project(
        "SmokeTest",
        context,
        SMOKE_TEST,
        buildspecs.smoke_test(context.service),
        description="Tests a deployed release from outside",
        runs_application=True,
        timeout_minutes=SHORT_MINUTES,
    )


def _repository(context: BuildContext) -> str:
    return physical_name(context.env, "AWS::ECR::Repository", context.service.name)


def _may_put_evidence(context: BuildContext, names: str) -> tuple[Grant, Grant]:
    """Let a build store files whose names match `names`, but only directly in the folder of a run.

    In an IAM pattern, `*` also matches slashes. So a Deny statement is needed for the folders in which only Lambda
    functions may store files: the subfolders of the run's folder, and the service's folder `passed`.
    """
    service = context.service.name
    return (
        may_put("PutEvidence", context.evidence, f"{service}/*/{names}"),
        may_not_put("StayInTheFolderOfARun", context.evidence, f"{service}/*/*/*", f"{service}/passed/*"),
    )


def _may_compare_evidence(context: BuildContext, names: str) -> Grant:
    return may_read("CompareEvidence", context.evidence, f"{context.service.name}/*/{names}")


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
            because="ecr:GetAuthorizationToken supports no resource-level permissions; with the token, the role can use"
            " only the repository in PushTheImage.",
        ),
    ]


def _may_read_the_scan(env: Environment, service: Service) -> list[Grant]:
    repository = Sub(repository_arn(env, service.name))
    grants = [
        allow("ReadTheScan", [ecr.DescribeImages, ecr.DescribeImageScanFindings], on=repository),
        allow("ScanItAgain", [ecr.StartImageScan], on=repository),
    ]
    if env.pipeline.enhanced_scanning:
        # https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-enhanced-iam.html
        grants.append(
            allow(
                "ReadWhatInspectorFound",
                [inspector2.ListCoverage, inspector2.ListFindings],
                on="*",
                because="the actions inspector2:List... support no resource-level permissions; ECR calls these actions"
                " to read the findings of an image.",
            )
        )
    return grants
