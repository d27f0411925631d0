"""The texts in the environments file: which values each type accepts, and that an error names a valid value."""

from __future__ import annotations

import pkgutil
import re
from importlib import import_module
from typing import Any

import pytest
from pydantic import AfterValidator, TypeAdapter, ValidationError

from cicd_templates.config import tables
from cicd_templates.config.tables.build import DownloadAddress, ImagePrefix, IndexHost
from cicd_templates.config.tables.certificate_field_types import Authority
from cicd_templates.config.tables.container import ContainerPath, UserId
from cicd_templates.config.tables.database import PostgresName
from cicd_templates.config.tables.dynamodb import AttributeName
from cicd_templates.config.tables.environment import (
    AccountId,
    DeployerRoleArn,
    ExternalId,
    OutputName,
    PolicyArn,
    Profile,
    RolePath,
    SessionName,
    Suffix,
)
from cicd_templates.config.tables.field_types import (
    Digest,
    FolderPath,
    Region,
    ShellCommand,
    UrlPath,
    VariableName,
    Word,
    matching,
)
from cicd_templates.config.tables.github import Branch, ConnectionArn, Repository
from cicd_templates.config.tables.network_field_types import CertificateArn, CopyDomain, Domain, ZoneName
from cicd_templates.config.tables.patch import PatchPath, Reason
from cicd_templates.config.tables.pipeline import VersionId
from cicd_templates.config.tables.project import ProjectPrefix, TagKey, TagText
from cicd_templates.config.tables.secret_field_types import SecretKeyArn, SecretSource
from cicd_templates.config.tables.service import PathPattern
from cicd_templates.config.tables.stakeholders import Email
from cicd_templates.config.tables.unsigned_image import Owner
from tests.unit.config.problems import AUTHORITY

SECRET_ARN = "arn:aws:secretsmanager:eu-central-1:111111111111:secret:pay/db-AbCdEf"
CONNECTION_ARN = "arn:aws:codeconnections:eu-central-1:111111111111:connection/0-1"
KINDS = [
    pytest.param(Owner, ["ada", "Payments platform", "x" * 60], ["", " ada", "ada\nbob", "x" * 61], id="Owner"),
    pytest.param(
        ImagePrefix,
        ["public.ecr.aws/docker/library", "registry.example.com:5000/base", "python"],
        ["Public.ecr.aws/x", "a//b", "a b", "", "x" * 201],
        id="ImagePrefix",
    ),
    pytest.param(
        DownloadAddress,
        ["https://example.com/", "https://example.com:8443/tools/v1.2/tool_x~1+2", "https://a/b/"],
        [
            "https://example.com",
            "http://example.com/",
            "https://a/b/../c",
            "https://a/%2e/",
            "https://u@a/",
            "https://a/ b",
        ],
        id="DownloadAddress",
    ),
    pytest.param(
        IndexHost,
        ["packages.example.com", "domain-111111111111.d.codeartifact.eu-central-1.amazonaws.com"],
        [
            "https://a.example",
            "a.example/x",
            "a.example:8443",
            "A.example",
            "localhost",
            "u@a.example",
            "*.example.com",
        ],
        id="IndexHost",
    ),
    pytest.param(
        PatchPath,
        ["Resources.Vpc.Properties.CidrBlock", "Outputs.KeyArn.Value", "Parameters.ImageUri.Default"],
        ["Resources", "Resources.Vpc", "Metadata.CicdTemplates.Stack"],
        id="PatchPath",
    ),
    pytest.param(
        Reason, ["a policy of ours asks for it"], ["so", "in two lines,\nwhich a comment has not"], id="Reason"
    ),
    pytest.param(Word, ["a", "a1-b2"], ["", "A", "1a", "a-", "a--b", "a_b", "\u00e4", "a\n"], id="Word"),
    pytest.param(VersionId, ["3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY", "a_b-c"], ["", "a b", "a/b"], id="VersionId"),
    pytest.param(ProjectPrefix, ["a" * 16], ["a" * 17], id="ProjectPrefix"),
    pytest.param(Suffix, ["pr4918", "a" * 10], ["a" * 11], id="Suffix"),
    pytest.param(
        TagText,
        [
            "A team: a/b=c+d@e_f.g-h",
            "x" * 256,
            "J\u00f6rg \u00d8stby",
            "\u94c1\u8def\u7ec4",
            "\u0433\u0440\u0443\u043f\u043f\u0430 \u0663",
        ],
        ["", "a,b", "x" * 257, "Jo\u0308rg", "a\u00a0b", "a\u202eb", "a\nb", "a\u2028b", "\U0001f600", "(a)"],
        id="TagText",
    ),
    pytest.param(TagKey, ["Data:Class"], ["a b", "\u00c4", "aws:x", "LAYER", "x" * 129], id="TagKey"),
    pytest.param(Email, ["a.b@c.de"], ["a", "a@b", "a b@c.de", "a@b@c.de"], id="Email"),
    pytest.param(Digest, [f"a.b:443/c/d@sha256:{'0' * 64}"], ["a/b:1", f"a/b@sha256:{'g' * 64}"], id="Digest"),
    pytest.param(ShellCommand, ["make it", "a\nb"], [""], id="ShellCommand"),
    pytest.param(Profile, ["my profile"], [""], id="Profile"),
    pytest.param(VariableName, ["_A1"], ["1A", "A-B", "\u00c4"], id="VariableName"),
    pytest.param(FolderPath, [".", "a/b-c.d"], ["", "/a", "a/", "../a", "a/../b", "a//b"], id="FolderPath"),
    pytest.param(UrlPath, ["/", "/a/b.c"], ["", "a", "/a?b"], id="UrlPath"),
    pytest.param(PathPattern, ["/*", "/a?/*"], ["*", "/" * 129], id="PathPattern"),
    pytest.param(
        SecretKeyArn,
        [
            "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "arn:aws-us-gov:kms:us-gov-west-1:222222222222:key/mrk-1234abcd12ab34cd56ef1234567890ab",
        ],
        ["arn:aws:kms:eu-central-1:222222222222:alias/pay", "alias/pay", "1234abcd-12ab-34cd-56ef-1234567890ab"],
        id="SecretKeyArn",
    ),
    pytest.param(
        SecretSource,
        ["db-password", "/pay/db", SECRET_ARN, SECRET_ARN.replace("pay/db", "rds!db-1a2b")],
        ["DB", f"x{SECRET_ARN}", SECRET_ARN[:-7], SECRET_ARN.replace("pay/db", "pay#db")],
        id="SecretSource",
    ),
    pytest.param(
        ContainerPath,
        ["/tmp", "/var/spool/pay", "/usr2/a.b"],
        ["", "/", "tmp", "/tmp/", "/a//b", "/a/../b", "/.a", "/proc", "/etc/x", "/usr", "/a b", "/" + "a" * 200],
        id="ContainerPath",
    ),
    pytest.param(
        UserId, ["1000", "10001:10001"], ["0", "root", "0:1", "1:0", "1:", "01", "-1", "1:2:3", "1" * 22], id="UserId"
    ),
    pytest.param(Repository, ["a.b/c-d"], ["a", "a/b/c"], id="Repository"),
    pytest.param(Branch, ["release/1.x"], ["a b", "x" * 256], id="Branch"),
    pytest.param(ConnectionArn, [CONNECTION_ARN], ["arn:aws:s3:::bucket"], id="ConnectionArn"),
    pytest.param(AttributeName, ["id", "a.b_c-D9", "a" * 255], ["", "a b", "\u00e4", "a" * 256], id="AttributeName"),
    pytest.param(PostgresName, ["pay", "a_1", "a" * 63], ["", "Pay", "1a", "a-b", "a" * 64], id="PostgresName"),
    pytest.param(AccountId, ["012345678901"], ["1", "0" * 13, "\uff11" * 12], id="AccountId"),
    pytest.param(Region, ["eu-central-1", "us-gov-west-1", "eusc-de-east-1"], ["Frankfurt", "eu-central"], id="Region"),
    pytest.param(ZoneName, ["eu-central-1a"], ["eu-central-1", "eu-central-1ab"], id="ZoneName"),
    pytest.param(
        DeployerRoleArn, ["arn:aws:iam::111111111111:role/a/b"], ["arn:aws:iam::1:role/a"], id="DeployerRoleArn"
    ),
    pytest.param(ExternalId, ["a7", "arn:aws/x=1", "a" * 1224], ["", "a", "a b", "a" * 1225], id="ExternalId"),
    pytest.param(SessionName, ["release-team", "a@b.c", "a" * 64], ["a", "a/b", "aws:a", "a" * 65], id="SessionName"),
    pytest.param(PolicyArn, ["arn:aws:iam::aws:policy/x", "arn:aws:iam::111111111111:policy/x"], ["x"], id="PolicyArn"),
    pytest.param(RolePath, ["/", "/a/b/"], ["", "a/", "/a", "/" + "a" * 511 + "/"], id="RolePath"),
    pytest.param(
        CertificateArn, ["arn:aws:acm:eu-central-1:111111111111:certificate/0-1"], ["arn:aws:acm"], id="CertificateArn"
    ),
    pytest.param(
        CopyDomain,
        ["{suffix}.pay.example.com", "pay-{suffix}.example.com"],
        ["pay.example.com", "{suffix}"],
        id="CopyDomain",
    ),
    pytest.param(Domain, ["pay.example.com"], ["localhost", "Pay.example.com", "a." * 126 + "ab"], id="Domain"),
    pytest.param(
        Authority,
        [AUTHORITY, AUTHORITY * 2],
        ["", "x", AUTHORITY.strip().partition("\n")[2], f"{AUTHORITY}-----BEGIN PRIVATE KEY-----\n"],
        id="Authority",
    ),
    pytest.param(OutputName, ["network.VpcId"], ["network", "network.vpcId", "Network.VpcId"], id="OutputName"),
]


def refusal(kind: Any, value: str) -> str:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    (error,) = caught.value.errors()
    return error["msg"].removeprefix("Value error, ")


@pytest.mark.parametrize(("kind", "taken", "refused"), KINDS)
def test_a_text_is_taken_as_a_whole_or_refused_with_what_is_allowed(
    kind: Any, taken: list[str], refused: list[str]
) -> None:
    for value in taken:
        assert TypeAdapter(kind).validate_python(value) == value
    for value in refused:
        assert " is not allowed; " in refusal(kind, value)


@pytest.mark.parametrize(("kind", "taken", "refused"), KINDS)
def test_the_example_in_a_refusal_is_accepted(kind: Any, taken: list[str], refused: list[str]) -> None:
    for example in re.findall(r'such as "?([^\s,;"]+)', refusal(kind, refused[0])):
        assert TypeAdapter(kind).validate_python(example) == example


def test_every_kind_of_text_has_its_row() -> None:
    modules = [import_module(f"{tables.__name__}.{module.name}") for module in pkgutil.iter_modules(tables.__path__)]
    kinds = {name for module in modules for name, value in vars(module).items() if is_made_by_text(value)}

    assert kinds == {str(row.id) for row in KINDS}


def is_made_by_text(value: object) -> bool:
    validators = [part for part in getattr(value, "__metadata__", ()) if isinstance(part, AfterValidator)]
    return any(validator.func.__module__ == matching.__module__ for validator in validators)
