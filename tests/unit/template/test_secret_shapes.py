"""The values of variables that look like secrets, and ordinary values that do not."""

from __future__ import annotations

import pytest

from cicd_templates.template.secret_shapes import has_password, is_literal_secret, kinds_of_secret


@pytest.mark.parametrize(
    "text",
    [
        "postgres://app:Xk29fjw0@db.example.com:5432/pay",
        "amqps://:guest1@broker",
        "Server=db;Database=pay;User Id=app;Password=Xk29-fjw0;Encrypt=true",
        "-Xmx512m -Dapi.key=x -Dapi-key=9f8e7d6c5b",
        '{"user": "app", "password": "tR4-zz9q"}',
        "pwd: Winter2026!",
        "CLIENT_SECRET=Hq7_Zk2pLm",
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCY",
        "SECRET_KEY=Hq7_Zk2pLm",
    ],
)
def test_a_text_with_a_password_is_recognised(text: str) -> None:
    assert has_password(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://api.example.com:8443/pay?page=2",
        "https://user@example.com/pay",
        "postgres://app:${PASSWORD}@db.example.com/pay",
        "postgres://app:{password}@db.example.com/pay",
        "arn:aws:secretsmanager:eu-central-1:222222222222:secret:pay/token-Ab12Cd",
        "arn:aws:iam::222222222222:role/token",
        "secret=orders-eu2-db/token.1",
        "sha256:01f42367a0a94ad4bc17111776fd66e3500c1d87c15bbd6055b7371d39c124fb",
        "password=",
        "password=required",
        "token=aaaaaaaaA1",
        "token: 86400000",
        "token_url=https://issuer.example.com/oauth2/v1",
        "token=https://issuer.example.com/oauth2/v1",
        "secret=/pay/Staging/1",
        "secret=arn:aws:secretsmanager:eu-central-1:1:secret:x-Ab12Cd",
        "password=$DATABASE_PASSWORD_1",
        "password=********",
        "mailto:desk@example.com, 12:30:45",
    ],
)
def test_an_ordinary_text_has_no_password(text: str) -> None:
    assert not has_password(text)
    assert not list(kinds_of_secret(text))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DATABASE_PASSWORD", "summer", True),
        ("api_key", "1", True),
        ("PGPASSWORD", "summer", True),
        ("dbPassword", "summer", True),
        ("SSH_PASSPHRASE", "summer", True),
        ("MYSQL_PWD", "summer", True),
        ("RABBITMQ_DEFAULT_PASS", "summer", True),
        ("db.pass", "summer", True),
        ("SSHPASS", "summer", True),
        ("REDISCLI_AUTH", "summer", True),
        ("REDISCLI_AUTH", "", False),
        ("REQUIRE_AUTH", "true", False),
        ("CACHE_BYPASS", "true", False),
        ("AWS_SECRET_ACCESS_KEY", "summer", True),
        ("SECRET_KEY", "summer", True),
        ("storageAccessKey", "summer", True),
        ("clientSecret", "summer", True),
        ("accessToken", "summer", True),
        ("AWS_ACCESS_KEY_ID", "summer", False),
        ("TEMPLATES_KEY", "summer", False),
        ("nextTokens", "summer", False),
        ("PWD", "/app", False),
        ("PW", "summer", True),
        ("PASSWORD_LENGTH", "12", False),
        ("TOKEN", "", False),
        ("TOKEN", "{{resolve:ssm:/pay/token}}", False),
        ("TOKEN", "arn:aws:s3:::x", False),
        ("TOKEN_URL", "summer", False),
        ("TOKENS", "summer", False),
    ],
)
def test_a_variable_that_is_named_like_a_secret_has_no_literal_value(name: str, value: str, expected: bool) -> None:
    assert is_literal_secret(name, value) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P", ["a signed token (JWT)"]),
        # Not three parts, or no JSON objects.
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0", []),
        ("org.example.payments.processor.Application", []),
    ],
)
def test_a_signed_token_is_recognised(text: str, expected: list[str]) -> None:
    assert list(kinds_of_secret(text)) == expected
