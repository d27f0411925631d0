"""The denied access is parsed from the sentence in which IAM or KMS describes it."""

from __future__ import annotations

import pytest

from cicd_templates.deploy.diagnosis.access_denied import Denial, decode_command, parse_denial

ME = "arn:aws:sts::222222222222:assumed-role/deployer/me"
KEY = "arn:aws:kms:eu-central-1:222222222222:key/1"


@pytest.mark.parametrize(
    ("message", "fact", "remedy"),
    [
        pytest.param(
            f'Resource handler returned message: "User: {ME} is not authorized to perform: kms:CreateGrant on resource:'
            f" {KEY} because no identity-based policy allows the kms:CreateGrant action (Service: Kms, Status: 400,"
            ' Request ID: 1)" (RequestToken: 2, HandlerErrorCode: AccessDenied)',
            f"{ME} may not kms:CreateGrant on {KEY}",
            "allow the action in a policy of the principal",
            id="no policy of the principal",
        ),
        pytest.param(
            f"User: {ME} is not authorized to perform: kms:Decrypt on the resource: {KEY} because no resource-based"
            " policy allows the kms:Decrypt action",
            f"{ME} may not kms:Decrypt on {KEY}",
            "allow the action in the policy of the resource itself",
            id="the key's policy",
        ),
        pytest.param(
            f"User: {ME} is not authorized to perform: iam:CreateRole on resource: role r with an explicit deny in a"
            " service control policy",
            f"{ME} may not iam:CreateRole on role r",
            "a service control policy forbids the action; only an administrator of the organisation can allow it",
            id="a service control policy wins over the word deny",
        ),
        pytest.param(
            f"API: ecs:CreateCluster {ME} is not authorized to perform: ecs:CreateCluster because no permissions"
            " boundary allows the ecs:CreateCluster action",
            f"{ME} may not ecs:CreateCluster",
            "the principal's permissions boundary does not allow the action; extend the boundary",
            id="the boundary, no resource",
        ),
        pytest.param(
            f"User: {ME} is not authorized to perform: s3:PutObject on resource: arn:aws:s3:::b/k.",
            f"{ME} may not s3:PutObject on arn:aws:s3:::b/k",
            "allow the action in a policy of the principal and, for a key or bucket, also in the resource's own policy",
            id="no reason given",
        ),
    ],
)
def test_a_refusal_names_the_principal_the_action_and_the_remedy(message: str, fact: str, remedy: str) -> None:
    found = parse_denial(message)

    assert isinstance(found, Denial)
    assert (found.fact, found.remedy) == (fact, remedy)


def test_other_messages_are_no_refusals() -> None:
    assert parse_denial("You are not authorized to perform this operation. Quota exceeded") is None
    assert decode_command("Quota exceeded") == ""


def test_an_encoded_refusal_comes_with_the_command_that_decodes_it() -> None:
    message = "You are not authorized. Encoded authorization failure message: 4GIOHlTkIaWHQD0Q0m6XSnuUMCm-abcd (Status"

    assert decode_command(message) == (
        "aws sts decode-authorization-message --encoded-message 4GIOHlTkIaWHQD0Q0m6XSnuUMCm-abcd"
    )
