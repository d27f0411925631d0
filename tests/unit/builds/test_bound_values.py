"""Every text that code binds to a name is shown to the keyword detector, whatever the form of the binding is."""

from __future__ import annotations

import base64

import pytest

from cicd_templates.builds.scripts.bound_values import OVERLAP, bound_values

VALUE = "Vb7kQ2pLx9"
# The length of the parts of a large file. The real one takes seconds.
PART = 4 * OVERLAP
PYTHON = [
    'password: str = "{}"',
    'password = rb"{}"',
    'password = (\n    "{}"\n)',
    'password = \\\n    "{}"',
    'password = """{}"""',
    'password = os.environ.get("DB_PASSWORD", "{}")',
    'x = getenv("DB_PASSWORD", "{}")',
    'setattr(x, "password", "{}")',
    'connect(user="x", password=("{}"))',
    'settings["password"] = ["{}"]',
    'PASSWORDS = ("x", "{}")',
    'if (password := "{}"): pass',
    'def f(user, password: str = "{}"): pass',
    'def f(*, user, secret: str = "{}"): pass',
    'x = {{"db_password": f"{}", **y}}',
    'password = "{}" if x else ""',
    'password, user = "{}", "app"',
    'password = password or "{}"',
    'password = SecretStr("{}")',
    'password = "{}".strip()',
    'password += "{}"',
    'self.password = "{}"',
    'if x != "y" and "{}" == password: pass',
    "password = 'Vb7k' + \"Q2pLx9\"",
    "password = 'Vb7k' 'Q2pLx9'",
    "x = 'Vb7k' 'Q2pLx9'",
    "password = '\\x56b7kQ2pLx9'",
    'x: dict = call(**{{"SECRET_KEY": await ("{}")}})',
    'password: str = Field(default="{}")',
    'password = os.environ.get("P", "{}")',
    'password: str = field(default_factory=lambda: "{}")',
    'x = env("SECRET_KEY", default="{}")',
    'x = parser.get("db", "password", fallback="{}")',
    'parser.add_argument("-p", "--password", help="x", default="{}")',
    '(user, (password, x)), y = ("app", ("{}", 1)), 2',
    'for password in ("x", "{}"): pass',
    'x = [y for password in ["{}"]]',
    'if password in ("x", "{}"): pass',
    'match password:\n    case "x" | "{}": pass',
    'x = dict([("password", "{}")])',
    'class Password(str, Enum):\n    """Words."""\n    ADMIN = "{}"',
]
OTHERS = [
    'const password: string = "{}";',
    'password?: string = "{}"',
    'const p = {{ password: ("{}") }}',
    'const passwords = ["{}"]',
    'const password =\n  "{}"',
    'const password = new Secret("{}")',
    'const password = process.env.DB_PASSWORD || "{}"',
    'const password = process.env["DB_PASSWORD"] ?? "{}"',
    'config.get("db.password", "{}")',
    "let apiKey = `{}`",
    'props.put("password", "{}");',
    'var password string = "{}"',
    'os.Setenv("DB_PASSWORD", "{}")',
    'ENV.fetch("DB_PASSWORD", "{}")',
    '- name: DB_PASSWORD\n  value: {}',
    'CMD ["app", "--db-password", "{}"]',
    "passwords:\n  - {}\n",
    "CREATE USER app IDENTIFIED BY '{}';",
    "ALTER USER app\n  identified by password '{}';",
    "curl -u admin:{} https://x.example.com",
    "curl --user='admin:{}' https://x.example.com",
    '{{"name": "DB_PASSWORD",\n "value": "{}"}}',
    "password: >-\n  {}",
    '<db:password enc="no">\n  {}\n</db:password>',
    '<add key="DbPassword" value="{}"/>',
    'print "no Python 3"\npassword: str = "{}"',
    'variable "db_password" {{\n  type = string\n  default = "{}"\n}}',
    'variable "api_token" {{ default = "{}" }}',
    'passwords := []string{{"", "x", "{}"}}',
    'var secrets = map[string]string{{\n  "prod": "{}",\n}}',
    'String[] passwords = new String[] {{"a", "{}"}};',
    'List<String> secrets = List.of("a", "{}");',
    'const passwords = ["x", "y", "{}"]',
    'export X="${{TOKEN:-{}}}"',
    'echo ${{DB_PASSWORD-{}}}',
    'token = "{}"',
    'let github_token: &str = "{}";',
    '$accessToken = "{}";',
    'private String credential = "{}";',
    'val passphrase = "{}"',
    'req.Header.Set("Authorization", "Bearer {}")',
    'curl -H "authorization: bearer {}" https://example.com',
    'requests.get(url, auth=("user", "{}"))',
    'HTTPBasicAuth("user", "{}")',
    'auth: ["user", "{}"]',
]  # fmt: skip


@pytest.mark.parametrize("text", PYTHON)
def test_a_text_that_python_binds_to_a_name_is_shown_as_its_value(text: str) -> None:
    source = "import os\n" + text.format(VALUE)
    shown = dict.fromkeys(line for _, line in bound_values(source, True, False))

    assert any(line.endswith(f' = "{VALUE}"') for line in shown), shown


@pytest.mark.parametrize("text", OTHERS)
@pytest.mark.parametrize("python", [False, True])
def test_a_text_that_another_language_binds_to_a_name_is_shown_with_its_line(text: str, python: bool) -> None:
    source = "\n" + text.format(VALUE) + "\n"
    number = source[: source.index(VALUE)].count("\n") + 1
    shown = {(at, line.partition(" = ")[2]) for at, line in bound_values(source, python, False)}

    assert (number, f'"{VALUE}"') in shown


@pytest.mark.parametrize(
    "text",
    [
        *("export DB_PASSWORD={}", "ENV db.password={}", "API_KEY={}  ", "  SECRET_KEY={}"),
        *("ENV DB_PASSWORD {}", "ENV A=b DB_PASSWORD={} C=d", "DB_PASSWORD={} app --now", "DB_PASSWORD={}; app"),
        *("RUN app --password {}", "app --user x --db-password={} | cat", "app -secret\t{} x"),
    ],
)
def test_a_setting_needs_no_quotes_in_a_file_of_settings(text: str) -> None:
    assert [*bound_values(f"x=1\n{text.format(VALUE)}\n", False, False)] == []
    ((number, line),) = bound_values(f"x=1\n{text.format(VALUE)}\n", False, True)

    assert (number, line.partition(" = ")[2]) == (2, f'"{VALUE}"')


@pytest.mark.parametrize(
    "text",
    [
        'def password(self) -> str:\n    """Return the password of 1 user."""\n',
        '"Secrets": ("RuleID", "secret"),\n',
        'if "policy" in password_policy: pass\n',
        'secret = Finding("detect-secrets", kind, title="x")\n',
        'secrets = ["arn:aws:secretsmanager:eu-west-1:1:secret/x"]\n',
        'password = read(f"{user}1")\n',
        '{"secret": {"name1234": "value1234"}}\n',
        'password = ""\n',
        "name = f\"{x}\" + 'y'\n",
        "x = [y for y in password]\n",
        "DB_PASSWORD=changemeplease\n",
        '{"ClientToken": "abcd12f2-46da-4fdb-b8d5-fbd4c466928f", "NextToken": "eyJ2IjoiMS..."}\n',
        'token = "next_page"\ntoken_type = "bearer"\n',
        "Send it as a Bearer token, or with Basic authentication.\n",
        "headers = f'Bearer {token1}'\n",
        'auth = ("user", "pass")\nauthors = ("Ada Lovelace", "Grace Hopper")\n',
        "echo ${TOKEN:-} ${PASSWORD:-$OTHER1} ${HOME:-/var/lib/tokens1}\n",
        'passwords := []string{"first", "second"}\n',
        'variable "password_length" {\n  default = 16\n}\n',
        'parser.add_argument("--password", help="The password of 1 user.")\n',
        'class Password(Enum):\n    KIND = "the password of a user"\n',
        'password = read.get("a", "nothing")\n',
        'LABELS = [("password", "Your password")]\nfor password in read("passwords1"): pass\n',
        "match x:\n    case 'secret1234': pass\n",
        "app --password $DB_PASSWORD1 --password-file /run/secrets/db1\ncurl -u $USER:$PASSWORD1 x\n",
        "passwords:\n  - min_length: 12\n",
    ],
)
def test_a_binding_without_a_secret_is_not_shown(text: str) -> None:
    assert [*bound_values(text, True, True)] == []


@pytest.mark.parametrize("text", ["(" * 5_000, "x = " + "-" * 100_000 + "1", "x = \0", " x"])
def test_a_file_that_python_cannot_parse_is_searched_as_text(text: str) -> None:
    assert next(bound_values(f'{text}\npassword: str = "{VALUE}"\n', True, False))[0] == 2


@pytest.mark.no_cover
@pytest.mark.parametrize("at", [0, PART - 15, PART, 2 * PART + 9])
def test_a_large_file_is_searched_in_parts_that_overlap(at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text may also be at the end of a part, so that it is cut there."""
    monkeypatch.setattr("cicd_templates.builds.scripts.bound_values.MOST_CHARACTERS", PART)
    lines = "#" * 99 + "\n"
    before = lines * (at // 100) + "\n" * (at % 100)
    text = f'{before}\npassword: str = "{VALUE}"\n{lines * 100}'

    assert [*bound_values(text, True, True)] == [(before.count("\n") + 2, f'password = "{VALUE}"')]


def test_a_pair_in_the_header_of_basic_authentication_is_a_secret() -> None:
    pair = base64.b64encode(b"user:hunter2Correct").decode()

    assert [*bound_values(f"\nAuthorization: Basic {pair}\n", False, False)] == [
        (2, f'authorization_secret = "{pair}"')
    ]
    assert [*bound_values("Basic authentication1\nBasic aGVsbG8gd29ybGQh\n", False, False)] == []


def test_long_names_and_signs_take_no_time() -> None:
    text = "password" * 2_000 + "(" * 20_000 + "password:" + " " * 20_000 + "<password" * 2_000

    assert [*bound_values(text, True, True)] == []
