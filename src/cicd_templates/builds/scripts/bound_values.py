"""Finds the strings that source code assigns to names, and writes each of them as a line `name = "value"` for a scan.

The keyword detector of detect-secrets finds a secret only in lines of this form. In source code, secrets also have
other forms, such as `key: str = "..."` and `get("KEY", "...")`.

Python files are parsed and never run. The text of this module becomes part of a build script.
"""

import ast
import base64
import bisect
import itertools
import re
from collections.abc import Iterator

# The names that the keyword detector knows, with the characters that may follow them.
KEY = re.compile(
    r"((?:api|auth|service|account|db|database|priv|private|client)_?key|(?:db|database|key)_?pass|password|passwd|pwd"
    r"|secret|contrase(?:\xf1|n)a)\w{0,60}",
    re.IGNORECASE,
)
# Names of secrets that the detector does not know. Values of these names count only if they look like a secret.
TOKEN = re.compile(r"(?:token|credentials?|passphrase)(?![a-z])\w{0,60}", re.IGNORECASE)
# A file is searched in overlapping parts of this many characters.
MOST_CHARACTERS, OVERLAP = 2_000_000, 5_000
# A value is searched in this many characters after its name.
AROUND = 1_000
# Calls that convert their argument to a value, and calls whose arguments are a name and its value.
MAKES_VALUE = r"(?:str|bytes|bytearray|(?:[a-z_]\w{0,40}\.)?[A-Z]\w{0,60})"
TAKES_PAIR = r"\w{0,40}(?:get|set|put|pop|fetch|env|config|default|attr|prop|header|add|param)\w{0,40}"
TEXT = (
    r"""(?:[A-Za-z]{0,2}\"{3}([^"]{1,400})\"{3}|[A-Za-z]{0,2}'{3}([^']{1,400})'{3}|[A-Za-z]{0,2}"([^"\n]{1,400})\""""
    r"""|[A-Za-z]{0,2}'([^'\n]{1,400})'|`([^`]{1,400})`)"""
)
# A text that is not the key of a map.
QUOTED = rf"{TEXT}(?!\s{{0,9}}(?::|=))"
CLOSED = r"""[\"'`\])]{0,3}\s{0,40}"""
# A type between a name and the sign that binds its value: `: Optional[str] =`, `?: string =`.
TYPE = r"(?:[?!]?:[ \t]*[\w.<>|?&* \[\]]{1,60}?|\*?[a-z]\w{2,20} )?"
BINDS = r"(?:=>|:=|={1,3}|!==?|\?\?=?|\|\|=?|:|\bor\b)"
OPEN = r"[\s\\(]{0,99}"
# Patterns for the text before a name and the text after it. The last two patterns, for lists and for arguments of a
# command, match only values that look like a secret.
BOUND: list[tuple[re.Pattern[str], re.Pattern[str]]] = [
    (re.compile(before), re.compile(after))
    for before, after in (
        # key: string = ("..."), also across the end of a line
        ("", rf"{CLOSED}{TYPE}{BINDS}{OPEN}{QUOTED}(?!\s{{0,40}},)"),
        # key = new Secret("...")
        ("", rf"{CLOSED}{TYPE}{BINDS}{OPEN}(?:new )?{MAKES_VALUE}(?:\.new)?\(\s{{0,40}}{QUOTED}\s{{0,40}}\)"),
        # key = other.key ?? "..."
        ("", rf"{CLOSED}{BINDS}[ \t]*[^\n,;\"'`]{{1,99}}?(?:\|\||\?\?|\bor\b)\s{{0,40}}{QUOTED}"),
        # get("KEY", "...")
        (rf"{TAKES_PAIR}\(\s{{0,40}}(?:[\w.]{{1,40}}\s{{0,9}},\s{{0,40}})?[\"'`:][\w.-]{{0,60}}$",
         rf"[\"'`]?\s{{0,9}},\s{{0,40}}{OPEN}{QUOTED}"),
        # {"name": "KEY", "value": "..."}
        (r"\b(?:[Nn]ame|[Kk]ey)[\"']?\s{0,9}[:=]\s{0,9}[\"']?[\w.-]{0,60}$",
         rf"[\"']?[\s,]{{0,99}}[\"']?[Vv]alue[\"']?\s{{0,9}}[:=]\s{{0,9}}(?:{QUOTED}|([^\s\"'<>{{}}]{{1,400}}))"),
        # <key>...</key>
        (r"<[\w.:-]{0,60}$", r"[^<>\n]{0,99}>()()()()()\s{0,99}([^<>\n]{1,400}?)\s{0,99}</"),
        # key: >- with the value on the next line
        ("", r"[\"']?:[ \t]+[|>][+-]?\d?[ \t]*\n()()()()()[ \t]+(\S{1,400})"),
        # variable "key" { default = "..." }
        (r"\bvariable\s{1,9}\"[\w-]{0,60}$",
         rf"[\w-]{{0,60}}\"\s{{0,9}}\{{[^{{}}]{{0,600}}?\bdefault\s{{0,20}}=\s{{0,20}}{QUOTED}"),
        # ["--key", "..."]
        (r"[\"']--?[\w-]{0,60}$", rf"[\"']\s{{0,9}},\s{{0,40}}{QUOTED}"),
        # keys: with an item of a list on the next line
        ("", r"[\"']?:[ \t]*\n()()()()()[ \t]{0,40}-[ \t]+([^\s\"':]{8,400})[ \t]*(?:\n|$)"),
        # keys = ["...", or keys = ("...",
        ("", rf"{CLOSED}{TYPE}{BINDS}[\s\\(\[{{]{{1,99}}{QUOTED}"),
    )
]  # fmt: skip
FOR_ANY_VALUE = len(BOUND) - 3
# The default of a shell variable: ${KEY:-value}.
SHELL_DEFAULT = re.compile(r"\$\{(\w{1,80}):?[-=]([^\s\"'${}]{1,400})\}")
# A list or a map with a type: `[]string{"..."}`, `new String[] {"..."}`, `List.of("...")`, and any list in brackets.
TYPED = r"(?:new )?(?:\[\d*\]|map\[\w+\]|[A-Z]\w{0,40}(?:<[\w, ]{0,60}>)?[\[.])[\w.\[\]]{0,60}\s?[({]"
LIST = re.compile(rf"{CLOSED}{TYPE}{BINDS}\s{{0,40}}(?:{TYPED}|\[(?!\d*\]))([^\])}}]{{0,900}})")
ELEMENT = re.compile(rf"\"\"(?!\")|''(?!')|{TEXT}(\s{{0,9}}[:=])?")
# The values with which an HTTP header identifies a caller.
HEADER = re.compile(r"\b(Bearer|Basic)[ ]{1,4}([A-Za-z0-9][\w.~+/-]{9,800}={0,2})", re.IGNORECASE)
# A user and a password as a pair: `auth=("user", "..."), `HTTPBasicAuth("user", "...")`.
PAIR = re.compile(
    rf"(?<![A-Za-z])(?:basic_?|HTTP(?:Basic|Digest|Proxy))?auth[\"']?\s{{0,9}}(?::=|=|:|\()\s{{0,9}}[(\[]?\s{{0,40}}"
    rf"{QUOTED}\s{{0,9}},\s{{0,40}}{QUOTED}\s{{0,9}},?\s{{0,40}}[)\]]",
    re.IGNORECASE,
)


# A settings file, where a value needs no quotes: `export KEY=value`, `ENV KEY value`, `--key value`.
UNQUOTED = r"([\w+/!%^*~#@-]{8,400})(?=[ \t;&|]|$)"
SETTING_FORMS = [
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        rf"(?:^|[ \t])[\w.-]{{0,60}}?({KEY.pattern})={UNQUOTED}",
        rf"^[ \t]{{0,40}}ENV[ \t]{{1,9}}[\w.-]{{0,60}}?({KEY.pattern})[ \t]{{1,9}}{UNQUOTED}",
        rf"(?:^|[ \t])--?[\w-]{{0,60}}?({KEY.pattern})[ \t]{{1,9}}{UNQUOTED}",
    )
]
# A user and a password for a program on the command line: `curl -u user:password`.
COMMAND_USER = re.compile(r"(?<=[ \t])(?:-u|--user)[ \t=]{0,9}[\"']?[\w.@-]{1,80}:([^\s\"'$]{8,400})")
# The password of a new user of a database in SQL.
IDENTIFIED_BY = re.compile(r"\bIDENTIFIED\s{1,9}BY\s{1,9}(?:PASSWORD\s{1,9})?'([^'\n]{1,400})'", re.IGNORECASE)


def looks_random(value: str) -> bool:
    """Return whether a value looks random: it mixes letters and digits, and is neither a path nor a sentence."""
    mixed = re.search(r"\d", value) and re.search(r"[A-Za-z]", value)
    return bool(mixed) and len(value) >= 8 and not re.search(r"[\s/:]", value)


def bound_by_form(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield `(position, name, string)` for each string that source code in any language binds to a secret-like name.

    These names match `KEY` or `TOKEN`.
    """
    for key in (*KEY.finditer(text), *TOKEN.finditer(text)):
        before = text[max(0, key.start() - AROUND // 5) : key.start()]
        after = text[key.end() : key.end() + AROUND]
        for number, (left, right) in enumerate(BOUND, 1):
            found = right.match(after) if left.search(before) else None
            if found and found.lastindex:
                value = found[found.lastindex]
                if looks_random(value) or (number <= FOR_ANY_VALUE and len(value.split()) < 3):
                    yield key.end() + found.start(found.lastindex), key[0], value
        if found := LIST.match(after):
            for element in ELEMENT.finditer(found[1]):
                at, value = key.end() + found.start(1) + element.start(), next(filter(None, element.groups()), "")
                yield from [(at, key[0], value)] if looks_random(value) and not element[6] else []


def bound_by_use(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the position, the name and the value of each string whose use shows that it may be a secret.

    Examples are defaults of shell variables, credentials in HTTP headers, and passwords beside user names.
    """
    for default in SHELL_DEFAULT.finditer(text):
        yield from [(default.start(), default[1], default[2])] if looks_random(default[2]) else []
    for header in HEADER.finditer(text):
        if is_credential(header[1], header[2]):
            yield header.start(), "authorization_secret", header[2]
    for user in COMMAND_USER.finditer(text):
        yield from [(user.start(), "user_password", user[1])] if looks_random(user[1]) else []
    for identified in IDENTIFIED_BY.finditer(text):
        yield identified.start(), "identified_by_password", identified[1]
    for pair in PAIR.finditer(text):
        value = str(pair[pair.lastindex or 0])
        yield from [(pair.start(), "auth_password", value)] if len(value) >= 8 and " " not in value else []


def is_credential(scheme: str, value: str) -> bool:
    """Return whether `value`, the word after `Bearer` or `Basic`, is a credential and not a word of ordinary text."""
    if scheme.lower() == "bearer":
        return bool(re.search(r"\d", value) and re.search(r"[A-Za-z]", value))
    try:
        return b":" in base64.b64decode(value, validate=True)
    except ValueError:
        return False


def text_of(node: ast.AST) -> str | None:
    """Return the text of a constant or of joined constants. For any other expression, return None."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
        return node.value if isinstance(node.value, str) else node.value.decode("latin-1")
    parts: list[ast.expr] = []
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = [node.left, node.right]
    elif isinstance(node, ast.JoinedStr):
        parts = node.values
    texts = [text_of(part) for part in parts]
    return "".join(text or "" for text in texts) if texts and None not in texts else None


def values_of(node: ast.AST | None, listed: bool = False) -> Iterator[tuple[ast.AST, str]]:
    """Yield the strings that can be the value of an expression. From a list, yield only strings that look random."""
    text = text_of(node) if node else None
    inner: list[ast.expr] = []
    if node and text is not None:
        if not listed or looks_random(text):
            yield node, text
    elif isinstance(node, ast.IfExp):
        inner = [node.body, node.orelse]
    elif isinstance(node, ast.BoolOp):
        inner = node.values
    elif isinstance(node, ast.NamedExpr | ast.Starred | ast.Await):
        inner = [node.value]
    elif isinstance(node, ast.Lambda):
        inner = [node.body]
    elif isinstance(node, ast.List | ast.Tuple | ast.Set):
        inner, listed = node.elts, True
    elif isinstance(node, ast.Call):
        inner = values_in_call(node)
    for each in inner:
        yield from values_of(each, listed)


def values_in_call(call: ast.Call) -> list[ast.expr]:
    """Return the values that `call` could return, such as the default in `get("OTHER", "...")`."""
    called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    # "...".strip()
    values = [call.func.value] if isinstance(call.func, ast.Attribute) else []
    if len(call.args) == 1 and not call.keywords and re.fullmatch(MAKES_VALUE, called):
        values += call.args
    if re.fullmatch(TAKES_PAIR, called, re.IGNORECASE):
        values.append(ast.Tuple(call.args[1:]))
    return [*values, *defaults_of(call)]


def defaults_of(call: ast.Call) -> list[ast.expr]:
    """Return the default values that a call sets with keyword arguments, such as `Field(default="...")`."""
    return [keyword.value for keyword in call.keywords if keyword.arg in ("default", "default_factory", "fallback")]


def name_of(node: ast.AST) -> str:
    """Return the name of the variable, attribute or key that gets the value of an assignment."""
    if isinstance(node, ast.Subscript):
        return text_of(node.slice) or name_of(node.value)
    return str(text_of(node) or getattr(node, "attr", "") or getattr(node, "id", ""))


def bound_in(node: ast.AST) -> Iterator[tuple[str, ast.AST | None]]:
    """Yield each name that a node of the syntax tree binds, and the expression that the node binds to it."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from unpacked(target, node.value)
    elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr):
        yield name_of(node.target), node.value
    elif isinstance(node, ast.keyword):
        yield node.arg or "", node.value
    elif isinstance(node, ast.arguments):
        plain = [*node.posonlyargs, *node.args]
        pairs = [*zip(plain[len(plain) - len(node.defaults) :], node.defaults, strict=True)]
        pairs += [(arg, value) for arg, value in zip(node.kwonlyargs, node.kw_defaults, strict=True) if value]
        yield from ((arg.arg, value) for arg, value in pairs)
    elif isinstance(node, ast.Dict):
        yield from ((name_of(key), value) for key, value in zip(node.keys, node.values, strict=True) if key)
    elif isinstance(node, ast.Call):
        # env("KEY", default="..."), add_argument("--key", default="...")
        yield from ((text_of(one) or "", value) for one in node.args for value in defaults_of(node))
        if re.fullmatch(TAKES_PAIR, name_of(node.func), re.IGNORECASE):
            yield from ((text_of(one) or "", other) for one, other in itertools.pairwise(node.args))
    else:
        yield from bound_in_parts(node)


def bound_in_parts(node: ast.AST) -> Iterator[tuple[str, ast.AST | None]]:
    """Yield `(name, values)` for a node that connects a name with values. `values` is an expression. Such nodes are:

    - a comparison: `name == "..."`
    - a loop: `for name in ["..."]`
    - a `match` statement: `match name: case "..."`
    - a pair: `("name", "...")`
    - a class, whose name is connected with the values of the attributes
    """
    if isinstance(node, ast.Compare):
        equal = all(isinstance(each, ast.Eq | ast.NotEq) for each in node.ops)
        sides = [node.left, *node.comparators] if equal else []
        yield from ((name_of(one), other) for one, other in itertools.pairwise(sides))
        yield from ((name_of(other), one) for one, other in itertools.pairwise(sides))
        # `values_of` takes only strings that look random from the lists in all other cases.
        if isinstance(node.ops[0], ast.In | ast.NotIn):
            yield name_of(node.left), node.comparators[0]
    elif isinstance(node, ast.For | ast.comprehension):
        yield name_of(node.target), node.iter
    elif isinstance(node, ast.Match):
        cases = [each.value for each in ast.walk(node) if isinstance(each, ast.MatchValue)]
        yield name_of(node.subject), ast.Tuple(cases)
    elif isinstance(node, ast.Tuple) and len(node.elts) == 2 and text_of(node.elts[0]):
        yield str(text_of(node.elts[0])), ast.Tuple([node.elts[1]])
    elif isinstance(node, ast.ClassDef):
        members = [each.value for each in node.body if isinstance(each, ast.Assign)]
        yield node.name, ast.Tuple(members)


def unpacked(target: ast.AST, value: ast.expr) -> Iterator[tuple[str, ast.AST | None]]:
    """Yield each name that an assignment binds, with its value. Tuples are taken apart at any depth."""
    if isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
        for one, other in zip(target.elts, value.elts, strict=False):
            yield from unpacked(one, other)
    else:
        yield name_of(target), value


def bound_in_python(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the line, the name and the value of each binding in a Python file.

    If the file joins a string from parts, also yield the joined string, with an empty name. Yield nothing for a file
    that cannot be parsed.
    """
    try:
        lines = text.split("\n")
        for node in ast.walk(ast.parse(text)):
            for name, value in bound_in(node):
                yield from ((getattr(each, "lineno", 1), name, found) for each, found in values_of(value))
            whole = text_of(node)
            if whole and isinstance(node, ast.expr):
                written = "\n".join(lines[node.lineno - 1 : node.end_lineno])
                yield from [] if whole in written else [(node.lineno, "", whole)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return


def bound_values(text: str, is_python: bool, settings: bool) -> Iterator[tuple[int, str]]:
    """Find the strings of a file that may be secrets. For each string, yield its line number and `name = "value"`.

    `is_python` and `settings` say whether the file contains Python or settings. A Python file with more than
    MOST_CHARACTERS characters is searched like a file in another language.
    """
    shown: set[tuple[int, str]] = set()
    before = 0
    for start in range(0, max(1, len(text)), MOST_CHARACTERS):
        part = text[start : start + MOST_CHARACTERS + OVERLAP]
        for number, name, value in bound_in_part(part, is_python and len(text) <= MOST_CHARACTERS, settings):
            plain = " ".join(re.sub("[\"'`]", "", value).split())[:400]
            known = not name or bool(KEY.search(name)) or (bool(TOKEN.search(name)) and is_token(plain))
            word = re.sub("[^0-9A-Za-z_]", "_", name)[-80:] or "text"
            line = f'{word if not name or KEY.search(name) else f"{word}_secret"} = "{plain}"'
            if plain and known and (before + number, line) not in shown:
                shown.add((before + number, line))
                yield before + number, line
        before += text.count("\n", start, start + MOST_CHARACTERS)


def is_token(value: str) -> bool:
    """Return whether a value looks like a token that the entropy detectors may miss.

    Return False for hexadecimal tokens, which the entropy detectors find.
    """
    return looks_random(value) and not re.fullmatch(r"[0-9a-fA-F-]+|.*\.{3}", value)


def bound_in_part(text: str, is_python: bool, settings: bool) -> Iterator[tuple[int, str, str]]:
    """Yield the line number, the name and the value of each binding in a part of a file."""
    ends = [end.start() for end in re.finditer("\n", text)]
    for at, name, value in itertools.chain(bound_by_form(text), bound_by_use(text)):
        yield bisect.bisect_left(ends, at) + 1, name, value
    yield from bound_in_python(text) if is_python else ()
    for setting in SETTING_FORMS if settings else ():
        for found in setting.finditer(text):
            value = found[found.lastindex or 0]
            if looks_random(value):
                yield bisect.bisect_left(ends, found.start(found.lastindex or 0)) + 1, found[1], value
