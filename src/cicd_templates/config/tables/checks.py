"""The table `[services.<name>.checks.<check>]`: a tool that examines a release and reports to the scan gate."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from cicd_templates.config.tables.field_types import Digest, ShellCommand, VariableName, Word
from cicd_templates.config.tables.table import Table

# The report formats that the scan gate can read; a preset sets the format of its tool.
ReportFormat = Literal[
    "bandit",
    "cyclonedx",
    "detect-secrets",
    "grype",
    "junit",
    "npm-audit",
    "pip-audit",
    "safety",
    "sarif",
    "semgrep",
    "snyk",
    "trivy",
]
Preset = Literal["bandit", "node-tests", "npm-audit", "pip-audit", "safety", "secrets", "semgrep", "snyk", "unit-tests"]

# The formats that many tools write. A check with such a format names its tool, so that the gate accepts no other tool's
# report.
SHARED_FORMATS: tuple[ReportFormat, ...] = ("cyclonedx", "junit", "sarif")

# The environment variables that each preset fills from a secret, each with the name of that secret.
PRESET_SECRETS: Mapping[Preset, Mapping[str, str]] = {
    "safety": {"SAFETY_API_KEY": "safety-api-key"},
    "snyk": {"SNYK_TOKEN": "snyk-token"},
}

# Whether the commands of each preset run code of the application or of its packages.
RUNS_APPLICATION: Mapping[Preset, bool] = {
    "bandit": False,
    "node-tests": True,
    "npm-audit": False,
    "pip-audit": False,
    "safety": False,
    "secrets": False,
    "semgrep": False,
    "snyk": False,
    "unit-tests": True,
}


class CheckTable(Table):
    """`[services.<name>.checks.<check>]`: a tool that examines the source and reports its findings to the scan gate."""

    preset: Preset | None = Field(
        default=None, description="Predefined check; the other keys of this table override its values"
    )
    image: Digest | None = Field(default=None, description="Image in which the check runs, by digest")
    install: tuple[ShellCommand, ...] = Field(default=(), strict=False, description="Commands that install the tool")
    version: ShellCommand | None = Field(default=None, description="Command that prints the version of the tool")
    commands: tuple[ShellCommand, ...] = Field(
        default=(),
        strict=False,
        description="Commands that write the report to `$REPORT`; they run in the source's folder",
    )
    format: ReportFormat | None = Field(default=None, description="Format of the report")
    tool: Word | None = Field(
        default=None,
        description="Name of the tool that writes the report, such as gitleaks; required for formats that many tools"
        " write: cyclonedx, junit and sarif",
    )
    secrets: dict[VariableName, Word] = Field(
        default={},
        description="Environment variables with secret values. Each key is the name of a variable, and its value is the"
        " name of a secret that `make secret` sets",
    )
    runs_application: bool | None = Field(
        default=None,
        description="Whether the check runs code of the application or of its packages. If true, the check must have no"
        " secrets. Default: true if the check has its own `install` or `commands`, otherwise the value of the preset",
    )
    timeout_minutes: Annotated[int, Field(ge=5, le=60)] | None = Field(
        default=None, description="Minutes after which the check is stopped; default: 10"
    )

    @property
    def has_own_commands(self) -> bool:
        """Return whether the user wrote commands for this check. If false, the check has only the commands of a preset.

        A command that only prints the tool's version does not count.
        """
        return self.preset is None or bool(self.install or self.commands)

    @property
    def may_run_application(self) -> bool:
        """Return whether the check may run code of the application.

        - If the table sets `runs_application`, return this value.
        - Otherwise, if the user wrote commands for this check, return True.
        - Otherwise, return whether the preset runs this code.
        """
        if self.runs_application is not None:
            return self.runs_application
        return self.preset is None or RUNS_APPLICATION[self.preset] or self.has_own_commands
