"""Writes the project that an acceptance run deploys: its configuration, its application, and a defective application.

The project takes only accounts, regions and credentials from the user's configuration. This module does not call AWS.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cicd_templates.files.paths import CONFIGURATION, STATE
from cicd_templates.files.private_files import make_private_folder, write_privately
from cicd_templates.template.partitions import partition_of

NAME, SERVICE = "acceptance", "shop"
TOOLS, STAGING, PRODUCTION = "tools", "staging", "production"
DISPOSABLE = "disposable"
RUNTIME = (STAGING, PRODUCTION)
ENVIRONMENTS = (*RUNTIME, TOOLS)
APPLICATION, PLANTED = "application.zip", "planted.zip"
# Further releases of the application. Each has a different source, because ECS would not deploy the same image again.
SECOND, THIRD, FAILING = "second.zip", "third.zip", "failing.zip"
SOURCE = Path("examples/acceptance")
ROLLING, BLUE_GREEN = "rolling", "blue-green"
# The load balancer's metrics arrive minutes late, and the alarm fires only after two minutes with errors.
BAKE_MINUTES = 10
TRUSTED = "smoke/trusted.pem"
BECAUSE = "the acceptance run makes this creation fail on purpose"
EMAIL = "nobody@example.com"
# The modification time of every file in an archive, so that the same files give the same bytes. It is the earliest time
# that a zip file can contain.
EARLIEST = (1980, 1, 1, 0, 0, 0)
UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"
RANGES = {STAGING: "10.210.0.0/20", PRODUCTION: "10.220.0.0/20"}
# The file that starts the application, and a line that the failing release adds to this file.
MAIN, FAIL = f"{SERVICE}/__main__.py", b'\nos.environ["FAIL"] = "1"\nHOST = '
# Bandit reports this code with high severity, because a shell runs any text that the function gets.
PLANTED_FILE = """import subprocess


def run(command: str) -> None:
    subprocess.run(command, shell=True)
"""


@dataclass(frozen=True)
class EnvironmentAccess:
    """The account and region of an environment, and the user's credentials for it.

    If `role_arn` is given, the credentials come from this role. `caller_account` is the account of the user who assumes
    the role, or empty if the user is in the environment's own account.
    """

    account: str
    region: str
    profile: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    caller_account: str = ""

    @property
    def certificate_name(self) -> str:
        """Return the wildcard domain name that matches every load balancer of the region."""
        return f"*.{self.region}.elb.{partition_of(self.region).dns_suffix}"

    @property
    def partition(self) -> str:
        """Return the partition of the region, as it is written in ARNs."""
        return partition_of(self.region).name


@dataclass(frozen=True)
class Settings:
    """The settings that a run changes in the project's configuration.

    - `certificates` maps each runtime environment to the ARN of its certificate.
    - `roles` maps each environment to the role that deploys it. An environment without a role is deployed with the
      user's credentials.
    - `sessions` lists the environments that are deployed with the credentials in environment variables. They have no
      profile and no role in the configuration.
    - `zones` are the availability zones of each runtime environment.
    - `rollout` is the deployment strategy of the service in staging.
    - `window` is the deployment window of production, if there is one.
    - `patch` changes one stack of staging.
    - `production` is `protected`, or `disposable` so that the environment can be destroyed.
    - `trusted` has certificates as PEM. The application's smoke test and the hook `smoke` trust them.
    """

    certificates: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    sessions: Sequence[str] = ()
    zones: Mapping[str, Sequence[str]] = field(default_factory=dict)
    rollout: str = ROLLING
    window: str = ""
    patch: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    production: str = "protected"
    trusted: str = ""


@dataclass(frozen=True)
class Project:
    """The folder of the project, and the account, region and credentials of each environment."""

    folder: Path
    tool: Path
    suffix: str
    access: dict[str, EnvironmentAccess]
    local: bool

    @property
    def engine_file(self) -> Path:
        """Return the path of the file that tells the project's commands how to reach the local AWS of the run."""
        return self.folder / STATE / "local.json"

    def rendered(self, environment: str) -> Path:
        """Return the folder with the rendered templates of an environment."""
        return self.folder / "build" / self.suffix / f"{environment}-{self.suffix}"

    def name(self, environment: str) -> str:
        """Return the prefix of all physical names in an environment."""
        return f"{NAME}-{environment}-{self.suffix}"

    def deployer(self, environment: str) -> str:
        """Return the name of the role that deploys an environment."""
        return f"{self.name(environment)}-acceptance"

    def write(self, settings: Settings) -> None:
        """Write the application, the defective application, and a configuration with `settings`."""
        make_private_folder(self.folder / "templates")
        write_privately(self.folder / CONFIGURATION, "\n".join(self._lines(settings)) + "\n")
        files = application_files(self.tool / SOURCE)
        if settings.trusted:
            files[TRUSTED] = f"{settings.trusted}\n".encode()
        write_archive(self.folder / APPLICATION, files)
        write_archive(self.folder / PLANTED, {**files, f"{SERVICE}/planted.py": PLANTED_FILE.encode()})
        for name in (SECOND, THIRD):
            number = f'"""Makes this release differ from others: {name}."""\n'
            write_archive(self.folder / name, {**files, f"{SERVICE}/release.py": number.encode()})
        write_archive(self.folder / FAILING, {**files, MAIN: files[MAIN].replace(b"\nHOST = ", FAIL, 1)})

    def _lines(self, settings: Settings) -> Iterator[str]:
        yield from ("[project]", f'name = "{NAME}"', f'owner = "{NAME}"', f'cost_center = "{NAME}"', "")
        yield from ("[pipeline]", f"path = {json.dumps(RUNTIME)}", 'weaker_policy = "refuse"', "")
        yield from (f"[services.{SERVICE}]", "port = 8080")
        yield f'migration = ["python3", "-m", "{SERVICE}.migrate"]'
        yield from ("", f"[services.{SERVICE}.checks]")
        yield from (f'{check} = {{ preset = "{check}" }}' for check in ("unit-tests", "bandit", "secrets"))
        for environment in (TOOLS, *RUNTIME):
            yield ""
            yield from self._environment(environment, settings)
        if settings.rollout != ROLLING:
            yield from ("", f"[environments.{STAGING}.services.{SERVICE}]", f'rollout = "{settings.rollout}"')
            yield from ("rollback_on_alarm = true", 'hooks = ["verify-image", "smoke"]')
            yield f"bake_minutes = {BAKE_MINUTES}"
        for stack, changes in settings.patch.items():
            yield from ("", f"[environments.{STAGING}.patch.{stack}]")
            for path, value in changes.items():
                yield f"{json.dumps(path)} = {{ value = {json.dumps(value)}, because = {json.dumps(BECAUSE)} }}"

    def _environment(self, name: str, settings: Settings) -> Iterator[str]:
        access = self.access[name]
        protection = settings.production if name == PRODUCTION else DISPOSABLE
        yield f"[environments.{name}]"
        yield f'kind = "{"tools" if name == TOOLS else "runtime"}"'
        yield from (f'account = "{access.account}"', f'region = "{access.region}"', f'protection = "{protection}"')
        yield f"log_retention_days = {365 if name == PRODUCTION else 1}"
        credentials = {"profile": access.profile, "role_arn": access.role_arn, "external_id": access.external_id}
        if name in settings.roles:
            credentials = {"profile": access.profile, "role_arn": settings.roles[name], "external_id": None}
        if name in settings.sessions:
            credentials = {}
        yield from (f"{key} = {json.dumps(value)}" for key, value in credentials.items() if value)
        if name in RUNTIME:
            unknown = f"arn:{access.partition}:acm:{access.region}:{access.account}:certificate/{UNKNOWN_ID}"
            zones = settings.zones.get(name, [f"{access.region}{letter}" for letter in "ab"])
            yield from (f'cidr = "{RANGES[name]}"', f"zones = {json.dumps(list(zones))}")
            yield f'certificate_arn = "{settings.certificates.get(name, unknown)}"'
            # This name has no DNS record. The certificate covers it, so that the hook can verify the certificate.
            yield f'domain = "{access.certificate_name.replace("*", f"{NAME}-{name}")}"'
            if settings.trusted:
                yield f"certificate_authority = {json.dumps(f'{settings.trusted}{chr(10)}')}"
        if name == PRODUCTION and settings.window:
            yield f'deployment_window = "{settings.window}"'
        yield from ("", f"[environments.{name}.stakeholders]")
        groups = ("operations", "approvers") if name == PRODUCTION else ("operations",)
        yield from (f'{group} = ["{EMAIL}"]' for group in groups)


def settings_of(facts: Mapping[str, Any]) -> Settings:
    """Return the settings of the project. Settings that no check has stored in `facts` have their default values."""
    return replace(Settings(), **facts.get("settings", {}))


def application_files(folder: Path) -> dict[str, bytes]:
    """Return the content of each file of the application, by its path."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not _is_left_over(path.relative_to(folder)))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def _is_left_over(path: Path) -> bool:
    return any(part == "__pycache__" or part.endswith("_cache") for part in path.parts)


def write_archive(path: Path, files: Mapping[str, bytes]) -> None:
    """Write `files` to a zip file. The same files always give the same bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, EARLIEST), content)
