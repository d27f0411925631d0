"""The first image of a service with the hook `verify-image`: without an exception, the hook would stop it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cicd_templates.deploy.doctor import Check, images
from tests.conftest import rendered_stacks
from tests.unit.deploy.doctor.doctor_fixtures import aws, examined

SERVICE = "services/parcel-dispatcher"
HOOK = [(f"{SERVICE}/rollout", "blue-green"), (f"{SERVICE}/rollback_on_alarm", True),
        (f"{SERVICE}/hooks", ["smoke", "verify-image"])]  # fmt: skip
IMAGE = f"public.ecr.aws/docker/library/python@sha256:{'1' * 64}"
OTHER = f"public.ecr.aws/docker/library/python@sha256:{'2' * 64}"
SIGNED = f"111111111111.dkr.ecr.eu-central-1.amazonaws.com/shipping-tools-parcel-dispatcher@sha256:{'3' * 64}"
TODAY = datetime.now(UTC).date()


def exception(image: str, days: int = 30) -> dict[str, Any]:
    return {"image": image, "owner": "ada", "reason": "the first deployment", "expires": TODAY + timedelta(days=days)}


def seen(*edits: tuple[str, Any], deployed: bool = False) -> list[Check]:
    stacks = [each.template for each in rendered_stacks(*edits) if each.environment.name == "staging"]
    return list(images.check_first_images(examined(aws(deployed=deployed), stacks)))


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("exceptions", "status", "finding"),
    [
        ({}, "fix", f"{IMAGE} is not in the pipeline's repository, and no exception lets it run without a sign"),
        ({"a": exception(OTHER)}, "fix", f"{IMAGE} is not in the pipeline's repository, and no exception lets it"),
        ({"a": exception(IMAGE, -1)}, "fix", f"{IMAGE} is not in the pipeline's repository, and no exception lets it"),
        (
            {"a": exception(IMAGE)},
            "ok",
            f"an exception lets {IMAGE} run without a signature until {TODAY + timedelta(days=30)}",
        ),
    ],
    ids=["no exception", "for another image", "one that has ended", "its exception"],
)
def test_the_first_image_needs_an_exception(exceptions: dict[str, Any], status: str, finding: str) -> None:
    [check] = seen(*HOOK, (f"{SERVICE}/image", IMAGE), (f"{SERVICE}/unsigned_images", exceptions))

    assert (check.subject, check.status) == ("first image of parcel-dispatcher", status)
    assert check.finding.startswith(finding)
    assert ("[services.parcel-dispatcher.unsigned_images.first-deployment]" in check.fix) is (status == "fix")


def test_an_exception_of_another_environment_does_not_count() -> None:
    other = (f"environments/production/{SERVICE}/unsigned_images", {"a": exception(IMAGE)})

    assert [check.status for check in seen(*HOOK, (f"{SERVICE}/image", IMAGE), other)] == ["fix"]


def test_images_of_further_containers_need_no_exception() -> None:
    proxy = (f"{SERVICE}/containers", {"proxy": {"image": OTHER}})
    found = seen(*HOOK, proxy, (f"{SERVICE}/image", IMAGE), (f"{SERVICE}/unsigned_images", {"a": exception(IMAGE)}))

    assert [check.status for check in found] == ["ok"]


def test_an_image_of_the_pipeline_can_be_signed() -> None:
    [check] = seen(*HOOK, (f"{SERVICE}/image", SIGNED))

    assert (check.status, check.finding) == (
        "ok",
        f"{SIGNED} is in the pipeline's repository, so the hook verify-image verifies its signature",
    )


@pytest.mark.no_cover
def test_a_service_that_exists_or_has_no_such_hook_needs_no_exception() -> None:
    assert seen(*HOOK, (f"{SERVICE}/image", IMAGE), deployed=True) == []
    assert seen((f"{SERVICE}/image", IMAGE)) == []
