"""Defines the types of the fields that refer to secrets, and refuses plain variables that look like secrets."""

from __future__ import annotations

import re
from typing import Annotated

from cicd_templates.config.tables.field_types import WORD, matching
from cicd_templates.template.arn import Arn
from cicd_templates.template.partitions import partition_of
from cicd_templates.template.secret_shapes import has_password, is_literal_secret, kinds_of_secret

# In the path of a parameter, this stands for the name of the environment that reads the parameter.
ENVIRONMENT_PLACEHOLDER = "{environment}"
# The key of a JSON value, as ECS reads it from `valueFrom`, always in the newest version of the secret:
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
JSON_KEY = r":[\w.-]+::"
# A plain name is a secret that our stack creates, a path is an existing parameter, an ARN is an existing secret.
# The name of a secret that another service manages has an exclamation mark, as in rds!cluster-1234:
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/service-linked-secrets.html
SecretSource = Annotated[
    str,
    matching(
        rf"{WORD}|/([\w./-]|{re.escape(ENVIRONMENT_PLACEHOLDER)})+"
        rf"|arn:[\w-]+:secretsmanager:[a-z0-9-]+:\d{{12}}:secret:[\w/+=.@!-]+-[A-Za-z0-9]{{6}}({JSON_KEY})?",
        "write a name such as database-password, a Parameter Store path such as /pay/{environment}/database, or the"
        " complete ARN of a secret, which ends with a hyphen and six random characters; to read one key of a JSON"
        " value, append the key to the ARN, as in :password::",
    ),
]


def refuse_literal_secrets(variables: dict[str, str]) -> dict[str, str]:
    """Return `variables`. Raise `ValueError` if a variable looks like a secret.

    The error has the name of each such variable and the reason, but never the variable's value.
    """
    reasons = {name: reason for name, value in variables.items() if (reason := _secret_reason(name, value))}
    if reasons:
        found = " and ".join(f"{name} ({reason})" for name, reason in reasons.items())
        raise ValueError(
            f"{found} would be a secret that everybody can read in the template; move it to `secrets`, as"
            f' {next(iter(reasons))} = "a-name", and set its value with `make secret`'
        )
    return variables


def _secret_reason(name: str, value: str) -> str:
    """Return why a variable looks like a secret, or an empty string if it does not."""
    if kinds := [*kinds_of_secret(value)]:
        return f"its value contains {' and '.join(kinds)}"
    if has_password(value):
        return "its value contains a password"
    return "its name is that of a secret" if is_literal_secret(name, value) else ""


# IAM compares key ids only. An ARN of an alias would match nothing:
# https://docs.aws.amazon.com/kms/latest/developerguide/cmks-in-iam-policies.html
SecretKeyArn = Annotated[
    str,
    matching(
        r"arn:[\w-]+:kms:[a-z0-9-]+:\d{12}:key/(mrk-)?[0-9a-f-]+",
        "write the ARN of a key, such as"
        " arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab;"
        " the ARN of an alias does not work here",
    ),
]


def is_existing_secret(source: str) -> bool:
    """Return whether `source` is the path or the ARN of a secret that this program does not create."""
    return source.startswith(("/", "arn:"))


def is_in_another_partition(source: str, region: str) -> bool:
    """Return whether `source`, a value of `secrets`, is an ARN from a different partition than `region`.

    No role in `region` can read a secret in a different partition.
    """
    return source.startswith("arn:") and Arn.parse(source).partition != partition_of(region).name


def without_json_key(source: str) -> str:
    """Remove the JSON key from the end of a value of `secrets`. IAM and Secrets Manager accept only ARNs without it."""
    return re.sub(rf"{JSON_KEY}$", "", source)
