"""Sessions use the configured profile and role, renew credentials, and report a failing source in one clear line.

botocore calls an AWS on the loopback interface. No part of botocore is patched.
"""

from __future__ import annotations

import io
import json
import os
import re
import stat
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, LoginRefreshRequired

from cicd_templates.deploy.aws.access import Access
from cicd_templates.deploy.aws.clients import aws_clients, require_account
from cicd_templates.deploy.aws.credential_errors import CredentialErrors
from cicd_templates.deploy.aws.sessions import session_for
from cicd_templates.errors import CicdError, CredentialsError, RefusedError
from tests.fakes.loopback_aws import ACCOUNT, LoopbackAws

ROLE = "arn:aws:iam::222222222222:role/deployer"
DEVICE = "arn:aws:iam::111111111111:mfa/ada"
HERE = Access("eu-central-1", allow_endpoint_urls=True)
KEYS = "aws_access_key_id = AKIA1\naws_secret_access_key = secret\n"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LoopbackAws]:
    """Start the loopback AWS, and use a home folder without credentials."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr("cicd_templates.deploy.aws.clients.CALL_ATTEMPTS", 1)
    session_for.cache_clear()
    fake = LoopbackAws()
    stop = fake.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", fake.url)
    yield fake
    stop()
    session_for.cache_clear()


def configure(folder: Path, text: str) -> None:
    (folder / "config").write_text(text)


def with_keys(monkeypatch: pytest.MonkeyPatch, token: str = "") -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    if token:
        monkeypatch.setenv("AWS_SESSION_TOKEN", token)


def callers(aws: LoopbackAws) -> list[str]:
    """Return the access keys that signed the calls, in their order."""
    return [request.key for request in aws.requests if request.action == "GetCallerIdentity"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def typing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Simulate a user at a terminal who types a code at every prompt. Return the prompts."""
    prompts: list[str] = []

    def typed(prompt: str) -> str:
        prompts.append(prompt)
        return "123456"

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", typed)
    return prompts


def test_a_role_is_assumed_with_what_the_configuration_says_of_it(
    aws: LoopbackAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_keys(monkeypatch)
    access = replace(HERE, role_arn=ROLE, external_id="ours-7", role_session_name="release-team", source_identity="ada")

    assert require_account(aws_clients(access), ACCOUNT).endswith("/ASIA1")
    assumed, identity = aws.requests
    assert (assumed.action, assumed.key) == ("AssumeRole", "AKIA1")
    assert {name: assumed.parameters.get(name) for name in ("RoleArn", "ExternalId", "RoleSessionName")} == {
        "RoleArn": ROLE,
        "ExternalId": "ours-7",
        "RoleSessionName": "release-team",
    }
    assert assumed.parameters["SourceIdentity"] == "ada"
    assert identity.key == "ASIA1"


def test_a_session_has_a_name_of_its_own_where_the_configuration_has_none(
    aws: LoopbackAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_keys(monkeypatch)
    require_account(aws_clients(replace(HERE, role_arn=ROLE)), ACCOUNT)

    assert aws.requests[0].parameters["RoleSessionName"] == "cicd-templates"
    assert not {"ExternalId", "SourceIdentity", "SerialNumber"} & aws.requests[0].parameters.keys()


def test_all_environments_of_a_run_share_the_session_of_a_profile_and_role(
    aws: LoopbackAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_keys(monkeypatch)
    access = replace(HERE, role_arn=ROLE)
    for _ in range(2):
        clients = aws_clients(access)
        require_account(clients, ACCOUNT)
        clients.sts.get_caller_identity()
    require_account(aws_clients(HERE), ACCOUNT)

    assert aws.actions().count("AssumeRole") == 1
    assert callers(aws) == [*4 * ["ASIA1"], "AKIA1"]


def test_the_credentials_of_a_role_are_renewed_before_they_end(
    aws: LoopbackAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_keys(monkeypatch)
    # AWS gives an hour. What ends in five minutes is what the last minutes of such an hour look like.
    aws.lasts = timedelta(minutes=5)
    clients = aws_clients(replace(HERE, role_arn=ROLE))
    for _ in range(3):
        clients.sts.get_caller_identity()

    assert callers(aws) == ["ASIA1", "ASIA2", "ASIA3"]


def test_a_role_that_is_refused_in_the_middle_of_a_run_detaches(
    aws: LoopbackAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_keys(monkeypatch)
    aws.lasts = timedelta(minutes=5)
    clients = aws_clients(replace(HERE, role_arn=ROLE))
    clients.sts.get_caller_identity()
    aws.refuse = {"AssumeRole": ("AccessDenied", "not you")}
    with pytest.raises(CredentialsError, match=f"{ROLE} could not be assumed .AccessDenied: not you") as refused:
        clients.sts.get_caller_identity()

    assert refused.value.exit_code == 75


PROFILE_WITH_MFA = (
    f"[profile base]\n{KEYS}[profile ada]\nrole_arn = {ROLE}\nsource_profile = base\nmfa_serial = {DEVICE}\n"
)
MFA = [
    pytest.param(PROFILE_WITH_MFA, replace(HERE, profile="ada"), id="of the role of a profile"),
    pytest.param(
        f"[profile ada]\n{KEYS}mfa_serial = {DEVICE}\n", replace(HERE, profile="ada", role_arn=ROLE), id="of our role"
    ),
]


@pytest.mark.parametrize(("config", "access"), MFA)
def test_an_mfa_code_is_asked_for_once_for_all_runs_of_its_session(
    aws: LoopbackAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, config: str, access: Access
) -> None:
    configure(tmp_path, config)
    prompts = typing(monkeypatch)
    for _ in range(2):
        require_account(aws_clients(access), ACCOUNT)
        session_for.cache_clear()

    assert prompts == [f"Enter MFA code for {DEVICE}: "]
    assert aws.actions() == ["AssumeRole", "GetCallerIdentity", "GetCallerIdentity"]
    assert aws.requests[0].parameters["TokenCode"] == "123456"
    (cached,) = (tmp_path / ".aws/cli/cache").iterdir()
    assert stat.S_IMODE(cached.stat().st_mode) == 0o600


@pytest.mark.parametrize(("config", "access"), MFA)
def test_nobody_is_asked_for_a_second_code_in_the_middle_of_a_run(
    aws: LoopbackAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, config: str, access: Access
) -> None:
    configure(tmp_path, config)
    prompts = typing(monkeypatch)
    aws.lasts = timedelta(minutes=5)
    clients = aws_clients(access)
    clients.sts.get_caller_identity()
    with pytest.raises(CredentialsError, match="the session has ended, and a new one needs an MFA code; run"):
        clients.sts.get_caller_identity()

    assert len(prompts) == 1


@pytest.mark.parametrize(("config", "access"), MFA)
def test_without_a_terminal_a_code_is_one_clear_line(
    aws: LoopbackAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, config: str, access: Access
) -> None:
    configure(tmp_path, config)
    monkeypatch.setattr(sys, "stdin", io.StringIO("654321\n"))
    with pytest.raises(CicdError) as refused:
        require_account(aws_clients(access), ACCOUNT)

    assert str(refused.value).startswith(
        f"this command needs an MFA code of {DEVICE}, but there is no terminal to type it in; first run `make status`"
    )
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == 2
    assert aws.requests == []


def sso_token(folder: Path, name: str, **fields: str) -> None:
    import hashlib

    path = folder / ".aws/sso/cache" / f"{hashlib.sha1(name.encode()).hexdigest()}.json"  # noqa: S324 - botocore's name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(fields))


SSO = "sso_account_id = 222222222222\nsso_role_name = deployer\n"
LEGACY = f"[profile dev]\n{SSO}sso_start_url = https://ours.awsapps.com/start\nsso_region = eu-central-1\n"
SESSION = (
    f"[profile dev]\n{SSO}sso_session = ours\n"
    "[sso-session ours]\nsso_start_url = https://ours.awsapps.com/start\nsso_region = eu-central-1\n"
)
OURS = "profile 'dev' of templates/environments.toml"
SIGN_IN = "sign in with `aws sso login --profile dev`"
SOURCES = [
    pytest.param("", (), "the AWS configuration of this machine has no such profile; correct `", id="no profile"),
    pytest.param("[profile dev]\n", (), "there are no AWS credentials; set `profile` .* LOCAL=1", id="no credentials"),
    pytest.param(
        "[profile dev]\naws_access_key_id = AKIA1\n", (), "Partial credentials found in .*secret", id="half of the keys"
    ),
    pytest.param(
        "[profile dev]\ncredential_process = /no/such/helper --role x\n",
        (),
        "the source of the credentials needs /no/such/helper, which is missing or cannot be used; create or fix",
        id="no credential process",
    ),
    pytest.param(
        "[profile dev]\ncredential_process = /bin/echo hello\n",
        (),
        "the credential process does not print the expected JSON; run the command",
        id="a process that prints something else",
    ),
    *(
        pytest.param(
            f"[profile dev]\ncredential_process = {command}\n",
            (),
            f"the credentials cannot be read \\({detail}.*\\); correct the AWS configuration",
            id=name,
        )
        for command, detail, name in (
            ('"/unclosed quote', "No closing quotation", "a process with an unclosed quote"),
            ("/bin/echo []", "", "a process that prints a list"),
            ("/bin/echo 5", "", "a process that prints a number"),
            ("/etc/passwd/helper", ".*Not a directory", "a process below a file"),
            (
                """/bin/echo '{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b","Expiration":"soon"}'""",
                "",
                "a process whose credentials expire at no time",
            ),
        )
    ),
    pytest.param(
        "[profile dev]\ncredential_process = /bin/sh -c 'echo sign in first >&2; exit 3'\n",
        (),
        "Error when retrieving credentials from custom-process: sign in first; sign in to the system",
        id="a process that fails",
    ),
    pytest.param(
        f"[profile dev]\nrole_arn = {ROLE}\nweb_identity_token_file = /no/such/token\n",
        (),
        "the source of the credentials needs /no/such/token, which is missing or cannot be used;"
        " .*`web_identity_token_file`",
        id="no web identity",
    ),
    pytest.param(
        f"[profile dev]\nrole_arn = {ROLE}\nsource_profile = dev2\n",
        (),
        "The source_profile .dev2.*; correct",
        id="no source",
    ),
    pytest.param("[profile dev\n", (), "Unable to parse config file: .*; correct the AWS conf", id="not a file of AWS"),
    pytest.param(LEGACY, (), f"the SSO session has ended .*; {SIGN_IN}$", id="never signed in"),
    pytest.param(
        LEGACY,
        ("https://ours.awsapps.com/start", "2020-01-01T00:00:00Z"),
        f"the SSO session has ended .*; {SIGN_IN}$",
        id="signed in long ago",
    ),
    pytest.param(SESSION, (), f"the SSO session has ended .*; {SIGN_IN}$", id="never signed in to a session"),
    pytest.param(
        SESSION,
        ("ours", "2020-01-01T00:00:00Z"),
        f"the SSO session has ended .*; {SIGN_IN}$",
        id="a session that has ended",
    ),
    pytest.param(
        SESSION.replace("profile dev", "profile base") + f"[profile dev]\nrole_arn = {ROLE}\nsource_profile = base\n",
        (),
        "the SSO session has ended .*; sign in with `aws sso login --profile base`$",
        id="of the profile that it builds on",
    ),
    pytest.param(
        "[profile dev]\nlogin_session = ada\n",
        (),
        "credentials of `aws login` need the package awscrt, .*; run `.venv/bin/python -m pip install awscrt`$",
        id="a login without crt",
    ),
]


@pytest.mark.parametrize(("config", "token", "expected"), SOURCES)
def test_each_source_that_fails_says_whose_it_is_what_failed_and_what_to_do(
    aws: LoopbackAws,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    config: str,
    token: tuple[str, str],
    expected: str,
) -> None:
    configure(tmp_path, config)
    # botocore takes the folder of SSO tokens from the home folder at its import.
    monkeypatch.setattr("botocore.credentials.SSOProvider._SSO_TOKEN_CACHE_DIR", str(tmp_path / ".aws/sso/cache"))
    monkeypatch.setattr("botocore.tokens.SSOTokenProvider._SSO_TOKEN_CACHE_DIR", str(tmp_path / ".aws/sso/cache"))
    if token:
        sso_token(tmp_path, token[0], accessToken="t", expiresAt=token[1])
    with pytest.raises(CicdError, match=f"^{OURS}: {expected}") as failed:
        require_account(aws_clients(replace(HERE, profile="dev")), ACCOUNT)

    assert failed.value.exit_code == 1
    assert "\n" not in str(failed.value)


EXPIRED = "The security token included in the request is expired"
REFUSALS = [
    pytest.param(
        "ExpiredToken", EXPIRED, "", "the credentials have expired; get new credentials from the same", id="expired"
    ),
    pytest.param("RequestExpired", "Request has expired", "", "the credentials have expired", id="as EC2 says it"),
    pytest.param("ExpiredToken", EXPIRED, LEGACY, f"the credentials have expired; {SIGN_IN}$", id="of a sign-in"),
    pytest.param(
        "InvalidClientTokenId",
        "The security token included in the request is invalid",
        "",
        "AWS refuses these credentials .InvalidClientTokenId: The security token .*; get new",
        id="unknown",
    ),
]


@pytest.mark.parametrize(("code", "message", "config", "expected"), REFUSALS)
def test_credentials_that_aws_refuses_are_one_line_and_end_a_run_with_75(
    aws: LoopbackAws,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    code: str,
    message: str,
    config: str,
    expected: str,
) -> None:
    with_keys(monkeypatch, token="t")
    configure(tmp_path, config)
    if config:
        monkeypatch.setenv("AWS_PROFILE", "dev")
    clients = aws_clients(HERE)
    clients.sts.get_caller_identity()
    aws.refuse = {"GetCallerIdentity": (code, message)}
    with pytest.raises(CredentialsError, match=expected) as refused:
        clients.sts.get_caller_identity()

    assert refused.value.exit_code == 75
    whose = "profile 'dev' of AWS_PROFILE" if config else "the default credentials"
    assert str(refused.value).startswith(f"{whose}: ")


@pytest.mark.parametrize(("ahead", "words"), [(20, "20 minutes slow"), (-90, "90 minutes fast")])
@pytest.mark.parametrize("code", ["SignatureDoesNotMatch", "RequestTimeTooSkewed", "RequestExpired"])
def test_a_wrong_clock_is_named_instead_of_the_credentials(
    aws: LoopbackAws, monkeypatch: pytest.MonkeyPatch, ahead: int, words: str, code: str
) -> None:
    with_keys(monkeypatch)
    aws.ahead = timedelta(minutes=ahead)
    aws.refuse = {"GetCallerIdentity": (code, "Signature not yet current")}
    with pytest.raises(
        CicdError, match=f"^the default credentials: AWS refuses every signature, because .* {words}; set the clock$"
    ):
        require_account(aws_clients(HERE), ACCOUNT)


def test_an_answer_without_a_date_says_nothing_of_the_clock() -> None:
    errors = CredentialErrors(session_for(HERE).core, HERE)

    for headers in ({}, {"date": "yesterday"}):
        error = errors.of_answer(
            "GetCallerIdentity", {"Code": "ExpiredToken"}, headers, datetime(2030, 1, 1, tzinfo=UTC)
        )
        assert "expired" in str(error)


def test_other_errors_stay_what_they_are(aws: LoopbackAws, monkeypatch: pytest.MonkeyPatch) -> None:
    with_keys(monkeypatch)
    aws.refuse = {"GetCallerIdentity": ("AccessDenied", "not yours")}
    clients = aws_clients(HERE)
    with pytest.raises(ClientError, match="AccessDenied"):
        clients.sts.get_caller_identity()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    session_for.cache_clear()
    with pytest.raises(EndpointConnectionError):
        aws_clients(HERE).sts.get_caller_identity()


def test_credentials_that_have_expired_when_they_come_are_one_line(
    aws: LoopbackAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_keys(monkeypatch)
    aws.lasts = timedelta(minutes=-1)
    with pytest.raises(CicdError, match="Credentials were refreshed, but the refreshed credentials are still expired"):
        require_account(aws_clients(replace(HERE, role_arn=ROLE)), ACCOUNT)


@pytest.mark.parametrize(
    ("variables", "config", "named"),
    [
        ({"AWS_ENDPOINT_URL": "http://x"}, "", "AWS_ENDPOINT_URL=http://x"),
        ({"AWS_ENDPOINT_URL_STS": "http://x"}, "", "AWS_ENDPOINT_URL_STS=http://x"),
        ({}, "[profile dev]\nendpoint_url = http://x\n", "endpoint_url = http://x of the AWS profile 'dev'"),
        (
            {},
            "[profile dev]\nservices = here\n[services here]\ns3 =\n  endpoint_url = http://x\n",
            "endpoint_url = http://x for s3 in the section `services here` of the AWS profile 'dev'",
        ),
        (
            {"AWS_ENDPOINT_URL_S3": "http://y"},
            "[default]\nendpoint_url = http://x\n",
            "AWS_ENDPOINT_URL_S3=http://y, endpoint_url = http://x of the AWS profile 'default'",
        ),
    ],
    ids=["of all services", "of one service", "of a profile", "of a service of a profile", "several"],
)
def test_an_address_that_is_not_that_of_aws_is_named_and_refused(
    aws: LoopbackAws,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    variables: dict[str, str],
    config: str,
    named: str,
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    configure(tmp_path, config)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    if "profile dev" in config:
        monkeypatch.setenv("AWS_PROFILE", "dev")
    with pytest.raises(RefusedError) as refused:
        aws_clients(Access("eu-central-1"))

    assert str(refused.value).startswith(f"{named}: requests would go to an address")
    assert "allow_endpoint_urls = true" in str(refused.value)
    assert aws_clients(HERE).region == "eu-central-1"


@pytest.mark.parametrize(
    ("variables", "config"),
    [
        ({"AWS_ENDPOINT_URL": ""}, ""),
        ({"AWS_ENDPOINT_URL": "http://x", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, ""),
        ({"AWS_ENDPOINT_URL": ""}, "[profile other]\nendpoint_url = http://x\n[default]\nservices = none\n"),
        ({"AWS_ENDPOINT_URL": ""}, "[default]\nservices = here\n[services here]\ns3 =\n  region = x\nx = 1\n"),
    ],
    ids=["an empty variable", "botocore ignores them", "another profile's", "no address"],
)
def test_what_replaces_no_address_is_not_refused(
    aws: LoopbackAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variables: dict[str, str], config: str
) -> None:
    with_keys(monkeypatch)
    configure(tmp_path, config)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    clients = aws_clients(Access("eu-central-1"))

    assert clients.sts.meta.endpoint_url == "https://sts.eu-central-1.amazonaws.com"


def test_a_role_without_credentials_to_assume_it_with_is_one_clear_line(aws: LoopbackAws) -> None:
    with pytest.raises(CicdError, match=r"^the default credentials: there are no AWS credentials; set .* LOCAL=1$"):
        require_account(aws_clients(replace(HERE, role_arn=ROLE)), ACCOUNT)
    assert aws.requests == []


def test_a_session_of_aws_login_that_ended_names_its_command(aws: LoopbackAws, tmp_path: Path) -> None:
    configure(tmp_path, "[profile dev]\nlogin_session = ada\n")
    access = replace(HERE, profile="dev")
    error = CredentialErrors(session_for(access).core, access).of_error(LoginRefreshRequired())

    assert re.match(f"{OURS}: the session has ended .*; sign in with `aws login --profile dev`$", str(error))


def test_commands_of_the_aws_cli_have_the_profile_only_where_it_has_the_same_rights(
    aws: LoopbackAws, tmp_path: Path
) -> None:
    configure(tmp_path, f"[profile dev]\n{KEYS}")
    dev = replace(HERE, profile="dev")

    assert [aws_clients(access).profile for access in (HERE, dev, replace(dev, role_arn=ROLE))] == [None, "dev", None]


def test_an_empty_variable_is_named_as_the_profile_that_does_not_exist(
    aws: LoopbackAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "")
    with pytest.raises(CicdError, match="profile '' of AWS_PROFILE, which is set but empty: the AWS"):
        aws_clients(HERE)
