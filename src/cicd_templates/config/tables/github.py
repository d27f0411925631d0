"""The table `[services.<name>.github]`: the service's repository on GitHub."""

from typing import Annotated

from pydantic import Field

from cicd_templates.config.tables.field_types import matching
from cicd_templates.config.tables.table import Table

Repository = Annotated[str, matching(r"[\w.-]+/[\w.-]+", "write owner/name, such as octocat/Hello-World")]
Branch = Annotated[str, matching(r"[\w./-]+", "use letters, digits and _ . / -, such as release/2", 255)]
ConnectionArn = Annotated[
    str,
    matching(
        r"arn:[\w-]+:(codeconnections|codestar-connections):[\w-]+:\d{12}:connection/[\w/-]+",
        "write the connection's ARN, such as arn:aws:codeconnections:eu-central-1:111111111111:connection/0123-abcd",
    ),
]
PLACEHOLDER_REPOSITORY = "octocat/Hello-World"


class GithubTable(Table):
    """`[services.<name>.github]`: the repository of a service that is released from GitHub or by GitHub Actions."""

    repository: Repository = Field(
        default="octocat/Hello-World", description="`owner/name`; the default is a placeholder"
    )
    branch: Branch = Field(default="main", description="Branch to release")
    connection_arn: ConnectionArn | None = Field(
        default=None, description="CodeConnections connection; create and accept it in the AWS console"
    )
    trigger: bool = Field(default=False, description="Start a run on every push to the branch")
    releases: bool = Field(
        default=False, description="Create a role with which GitHub Actions can upload a release and do nothing else"
    )
