"""Who can send requests to a real engine: its owner can; a web page or another user of the machine cannot."""

from __future__ import annotations

import base64
import http.client
import io
import json
import zipfile
from collections.abc import Iterator, Mapping

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from cicd_templates.deploy.aws.clients import local_clients
from cicd_templates.local.engine_process import Engine, running
from cicd_templates.local.request_guard import admin_authorization
from tests.integration.conftest import ENGINE_PYTHON

# All on one worker, because they share what takes longest.
pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.xdist_group("engine of its own")]
ACCOUNT = "222222222222"
FUNCTIONS = "/2015-03-31/functions"
RESET = "/_ministack/reset"


@pytest.fixture(scope="module", params=[False, True], ids=["make local", "rehearsal"])
def own_engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with running(python=ENGINE_PYTHON, auth=request.param) as started:
        yield started


def ask(
    engine: Engine, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", engine.port, timeout=30)
    try:
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def signed(engine: Engine, method: str, path: str, body: bytes, *, key: str = ACCOUNT, secret: str) -> dict[str, str]:
    request = AWSRequest(method, f"{engine.url}{path}", data=body, headers={"Content-Type": "text/plain"})
    SigV4Auth(Credentials(key, secret), "lambda", "eu-central-1").add_auth(request)
    return dict(request.headers.items())


def creation() -> bytes:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", "def handler(event, context):\n    return 1\n")

    return json.dumps(
        {
            "FunctionName": "planted",
            "Runtime": "python3.12",
            "Handler": "index.handler",
            "Role": f"arn:aws:iam::{ACCOUNT}:role/x",
            "Code": {"ZipFile": base64.b64encode(code.getvalue()).decode()},
        }
    ).encode()


def functions(engine: Engine) -> list[str]:
    listed = local_clients(engine.url, ACCOUNT, "eu-central-1", engine.secret).lambda_.list_functions()
    return [function["FunctionName"] for function in listed["Functions"]]


FOREIGN = {
    "a page": {"Origin": "https://attacker.example"},
    "a page without an origin": {"Origin": "null"},
    "a page of this machine": {"Origin": "http://127.0.0.1:{port}"},
    "a name that resolves to the loopback address": {"Host": "attacker.example:{port}"},
    "a subdomain of the loopback name": {"Host": "planted.localhost:{port}"},
    "another port": {"Host": "127.0.0.1:1"},
    "no port": {"Host": "127.0.0.1"},
}


@pytest.mark.parametrize("sign", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("sender", FOREIGN)
def test_foreign_pages_and_hosts_are_refused_whether_signed_or_not(own_engine: Engine, sender: str, sign: bool) -> None:
    foreign = {name: value.format(port=own_engine.port) for name, value in FOREIGN[sender].items()}
    body = creation()
    own = signed(own_engine, "POST", FUNCTIONS, body, secret=own_engine.secret) if sign else {}
    status, headers, _ = ask(own_engine, "POST", FUNCTIONS, {**own, "Content-Type": "text/plain", **foreign}, body)

    assert status == 403
    assert not [name for name in headers if name.startswith("access-control-")]
    assert functions(own_engine) == []


@pytest.mark.parametrize("path", ["/", FUNCTIONS, RESET, "/_ministack/config"])
def test_a_preflight_is_refused(own_engine: Engine, path: str) -> None:
    headers = {"Origin": "https://attacker.example", "Access-Control-Request-Method": "POST"}
    status, answered, _ = ask(own_engine, "OPTIONS", path, headers)

    assert status == 403
    assert not [name for name in answered if name.startswith("access-control-")]


def test_unsigned_and_foreign_requests_are_refused(own_engine: Engine) -> None:
    body = creation()
    right = signed(own_engine, "POST", FUNCTIONS, body, secret=own_engine.secret)
    attempts: dict[str, dict[str, str]] = {
        "unsigned": {"Content-Type": "text/plain"},
        "another secret": signed(own_engine, "POST", FUNCTIONS, body, secret="local"),
        "an empty secret": signed(own_engine, "POST", FUNCTIONS, body, secret=""),
        "the key of no account": signed(own_engine, "POST", FUNCTIONS, body, key="AKIAPLANTED", secret="test"),
        "the engine's own key": signed(own_engine, "POST", FUNCTIONS, body, key="test", secret=own_engine.secret),
        "another path": signed(own_engine, "POST", "/2015-03-31/layers", body, secret=own_engine.secret),
        "a credential alone": {
            "Authorization": f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260101/r/lambda/aws4_request"
        },
        "an old form": {"Authorization": f"AWS {ACCOUNT}:c2lnbmF0dXJl"},
        "another date": {**right, "X-Amz-Date": "20200101T000000Z"},
    }
    answers = {name: ask(own_engine, "POST", FUNCTIONS, headers, body)[0] for name, headers in attempts.items()}
    twice = ask(own_engine, "POST", f"{FUNCTIONS}?X-Amz-Credential=111111111111/a/b/c/d", right, body)[0]
    changed = ask(own_engine, "POST", FUNCTIONS, right, body.replace(b"planted", b"changed"))[0]

    assert answers == dict.fromkeys(attempts, 403)
    assert (twice, changed) == (403, 403)
    assert functions(own_engine) == []


def test_the_addresses_of_the_engine_itself_are_for_the_owner(own_engine: Engine) -> None:
    clients = local_clients(own_engine.url, "333333333333", "eu-central-1", own_engine.secret)
    clients.s3.create_bucket(Bucket="kept", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    health = admin_authorization(own_engine.secret, "GET", "/_ministack/health")
    attempts = {
        "nothing": {},
        "another secret": {"Authorization": admin_authorization("local", "POST", RESET)},
        "of another path": {"Authorization": health},
        "signed like a request": signed(own_engine, "POST", RESET, b"", secret=own_engine.secret),
        "of a page": {"Authorization": admin_authorization(own_engine.secret, "POST", RESET), "Origin": "null"},
    }

    for path in (RESET, "/_ministack/config", "/_localstack/health", "/health"):
        assert [ask(own_engine, "POST", path, headers)[0] for headers in attempts.values()][:1] == [403], path
    assert {name: ask(own_engine, "POST", RESET, headers)[0] for name, headers in attempts.items()} == dict.fromkeys(
        attempts, 403
    )
    assert [bucket["Name"] for bucket in clients.s3.list_buckets()["Buckets"]] == ["kept"]
    own_engine.reset()
    assert clients.s3.list_buckets()["Buckets"] == []


def test_a_websocket_is_refused(own_engine: Engine) -> None:
    headers = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": "https://attacker.example",
    }  # fmt: skip

    assert ask(own_engine, "GET", "/_aws/execute-api/a/b", headers)[0] == 403


def test_signed_addresses_and_functions_work_and_name_no_other_origin(own_engine: Engine) -> None:
    clients = local_clients(own_engine.url, "444444444444", "eu-central-1", own_engine.secret)
    clients.s3.create_bucket(Bucket="signed", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    clients.s3.put_object(Bucket="signed", Key="a b/ü+", Body=b"content")
    address = clients.s3.generate_presigned_url("get_object", Params={"Bucket": "signed", "Key": "a b/ü+"})
    status, headers, body = ask(own_engine, "GET", address.removeprefix(own_engine.url))
    foreign = AWSRequest("GET", f"{own_engine.url}/signed")
    SigV4QueryAuth(Credentials("444444444444", "local"), "s3", "eu-central-1").add_auth(foreign)

    assert (status, body) == (200, b"content")
    assert not [name for name in headers if name.startswith("access-control-")]
    assert ask(own_engine, "GET", str(foreign.url).removeprefix(own_engine.url))[0] == 403


def test_a_callback_of_a_template_needs_no_signature_but_no_page_reaches_it(own_engine: Engine) -> None:
    callback = "/_ministack/cfn-response/0b5b1f8e-unknown"

    assert ask(own_engine, "PUT", callback, body=b"{}")[0] == 200
    assert ask(own_engine, "PUT", callback, {"Origin": "https://attacker.example"}, b"{}")[0] == 403
    assert ask(own_engine, "POST", callback, body=b"{}")[0] == 403
