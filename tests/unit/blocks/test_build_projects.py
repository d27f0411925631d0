"""CodeBuild projects that run the application have no secret."""

from __future__ import annotations

import pytest
from troposphere import Ref

from cicd_templates.blocks.build_projects import BuildContext, project
from cicd_templates.layer.outputs import BucketName, KeyArn
from tests.conftest import environment


def test_a_project_that_runs_the_application_cannot_have_a_secret() -> None:
    env = environment("tools")
    (service,) = env.services
    bucket = BucketName(Ref("Bucket"))
    context = BuildContext(env, service, KeyArn(Ref("Key")), bucket, bucket, bucket)

    with pytest.raises(ValueError, match="Tests runs the application, so it must not have secrets: TOKEN"):
        project(
            "Tests",
            context,
            "tests",
            "version: 0.2",
            description="x",
            timeout_minutes=5,
            runs_application=True,
            secrets={"TOKEN": Ref("Secret")},
        )
