"""Wrong input, broken files and interruptions make a command end with one line, the right exit code and whole files."""

from __future__ import annotations

import contextlib
import os
import random
import re
import resource
import shutil
import signal
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pytest

from tests.conftest import ROOT
from tests.projects.rendering import rendered_project

FINISHED = 120
SEEDS = 144
# Python itself answers Ctrl-C with a traceback until the first lines of `__main__` have told it how to.
PYTHON_STARTS = (
    r"(?s)\A(Fatal Python error: init_import_site[^\n]*\nPython runtime state: \w+\n|Could not import runpy module\n)?"
    r"Traceback \(most recent call last\):\n(?!.*cicd_templates(?!/__main__\.py\", line \d,)).*"
)
CONFIGURATION = "templates/environments.toml"
SETTINGS = ("requirements.lock", "requirements-local.lock", "setup.cfg", "pyproject.toml", ".cfnlintrc", "Makefile")
# Each answers within a second, and none of them starts anything.
VERBS = {
    "render": ("ENV", "SUFFIX", "FORMAT"),
    "check": (),
    "plan": ("ENV", "LAYER", "SERVICE", "SUFFIX", "LOCAL", "FORMAT", "OUT", "WAIT"),
    "deploy": ("ENV", "LAYER", "SERVICE", "SUFFIX", "LOCAL", "YES", "PLAN", "DIGEST", "ALLOW"),
    "destroy": ("ENV", "LAYER", "SERVICE", "SUFFIX", "LOCAL", "YES", "PLAN", "CONFIRM"),
    "status": ("ENV", "LAYER", "SERVICE", "LOCAL", "LEFT", "FORMAT"),
    "release": ("APP", "SERVICE", "SUFFIX", "LOCAL"),
    "secret": ("ENV", "NAME", "SERVICE", "LOCAL"),
    "gate": ("REPORTS", "SERVICE", "POLICY", "FORMAT"),
    "waive": ("REPORTS", "EXPIRES", "OWNER"),
    "inspect": ("TOOL", "REPORT"),
    "review": ("BASE",),
    "unlock": ("ENV", "HOLDER", "LOCAL"),
    "sweep": ("ENV", "OLDER_THAN", "LOCAL"),
    "recover": ("ENV", "LOCAL"),
    "doctor": ("ENV", "LOCAL"),
    "drift": ("ENV", "LAYER", "LOCAL", "FORMAT"),
    "plan-discard": ("ENV", "PLAN", "LOCAL"),
    "adopt": ("ENV", "LOCAL"),
    "outputs": ("ENV", "LOCAL"),
    "deploy-policy": ("ENV", "PART"),
    "upgrade-check": ("REF",),
}
WORDS = (
    "",
    "stagin",
    "ALL",
    "é",
    "a b",
    "../x",
    "-1",
    "x" * 300,
    "$(id)",
    "`id`",
    "production,staging",
    "/dev/null",
    ".",
)


@dataclass
class Situation:
    """What somebody types in a folder, and the exit codes of the program that are right for it."""

    words: list[str]
    codes: tuple[int, ...] = (1, 2, 3)
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "."
    prepare: Callable[[Path], object] = lambda folder: None
    file_size: int | None = None
    interrupt: float | None = None
    output: str | None = None
    # Whether the rendered files may be other than they were.
    writes: bool = False


def misspelt(chance: random.Random) -> Situation:
    """Return a situation with a misspelt variable."""
    verb = chance.choice(list(VERBS))
    name = list(chance.choice(("ENV", "SUFFIX", "LAYER", "SERVICE", "LOCAL", "YES", "FORMAT")))
    place = chance.randrange(len(name))
    match chance.randrange(3):
        case 0:
            name[place] += chance.choice(string.ascii_uppercase)
        case 1:
            name[place] = chance.choice(string.ascii_lowercase)
        case _:
            name.insert(place, "_")
    return Situation([verb, f"{''.join(name)}=pr1"], codes=(2,))


def wrong_values(chance: random.Random) -> Situation:
    """Return a situation with values that no variable can have.

    The commands are for AWS itself, which is unreachable without credentials.
    """
    verb = chance.choice([verb for verb, takes in VERBS.items() if takes])
    names = chance.sample(VERBS[verb], min(len(VERBS[verb]), chance.randint(1, 3)))
    return Situation([verb, *(f"{name}={chance.choice(WORDS)}" for name in names)], codes=(0, 1, 2, 3, 75), writes=True)


def nothing_running(chance: random.Random) -> Situation:
    """Return a situation with a command for the local AWS while none is running."""
    verb = chance.choice(
        [verb for verb, takes in VERBS.items() if "LOCAL" in takes and verb not in ("secret", "release")]
    )
    return Situation([verb, "LOCAL=1", "ENV=staging", *(["HOLDER=x"] if verb == "unlock" else [])], codes=(1,))


def damaged_configuration(chance: random.Random) -> Situation:
    """Return a situation with a configuration that has some changed characters."""

    def damage(folder: Path) -> None:
        path = folder / CONFIGURATION
        text = path.read_bytes()
        place = chance.randrange(len(text))
        match chance.randrange(6):
            case 0:
                text = text[:place] + text[place + chance.randint(1, 40) :]
            case 1:
                text = (
                    text[:place] + chance.choice([b'"', b"[", b"]]", b"\0", b"\xff", b"\n\n=", b"= ="]) + text[place:]
                )
            case 2:
                text = text.decode().encode("utf-16")
            case 3:
                text = b"\xef\xbb\xbf" + text
            case 4:
                lines = text.splitlines(keepends=True)
                lines.insert(chance.randrange(len(lines)), chance.choice(lines))
                text = b"".join(lines)
            case _:
                text = b""
        path.write_bytes(text)

    # A cut in a comment or in a name is no mistake; `check` then fails because of what would be rendered.
    return Situation(
        [chance.choice(["render", "check", "status"]), *[]], codes=(0, 1, 2, 75), prepare=damage, writes=True
    )


def line_ends(chance: random.Random) -> Situation:
    """Return a situation whose files have the line ends of Windows."""
    paths = [CONFIGURATION, "out/staging/keys.yaml", "out/SHA256SUMS", "out/README.md"]
    path = chance.choice(paths)
    windows = lambda folder: (folder / path).write_bytes((folder / path).read_bytes().replace(b"\n", b"\r\n"))  # noqa: E731
    return Situation(["check"], codes=(0,) if path == CONFIGURATION else (1,), prepare=windows)


def byte_order_mark(chance: random.Random) -> Situation:
    """Return a situation whose files begin with a byte order mark."""
    path = chance.choice([CONFIGURATION, "out/staging/keys.yaml", "out/SHA256SUMS", "templates/keys.py"])
    mark = lambda folder: (folder / path).write_bytes(b"\xef\xbb\xbf" + (folder / path).read_bytes())  # noqa: E731
    codes = {CONFIGURATION: (2,), "templates/keys.py": (0,)}
    return Situation([chance.choice(["check", "check"])], codes=codes.get(path, (1,)), prepare=mark)


def folder_instead(chance: random.Random) -> Situation:
    """Return a situation with a folder in the place of a file, or a file in the place of a folder."""
    path, words = chance.choice(
        [
            (CONFIGURATION, "render"),
            (CONFIGURATION, "plan ENV=staging"),
            ("out/staging/keys.yaml", "render"),
            ("out/staging/keys.yaml", "status ENV=staging"),
            ("out/SHA256SUMS", "render"),
            ("out/SHA256SUMS", "check"),
            ("out/staging", "render"),
            ("out", "render"),
            ("out", "check"),
            ("templates", "render"),
            (".state", "local"),
            (".state/local.json", "status LOCAL=1"),
            (".state/plans", "status LOCAL=1"),
        ]
    )

    def swap(folder: Path) -> None:
        target = folder / path
        if target.is_dir():
            shutil.rmtree(target)
            target.write_text("x")
        elif path in (".state", ".state/plans"):
            target.parent.mkdir(exist_ok=True)
            target.write_text("x")
        else:
            target.unlink(missing_ok=True)
            target.mkdir(parents=True)

    return Situation(words.split(), codes=(1, 2), prepare=swap, writes=True)


def missing(chance: random.Random) -> Situation:
    """Return a situation with files that were deleted."""
    path, words, codes = chance.choice(
        [
            (CONFIGURATION, "render", (2,)),
            ("templates", "render", (2,)),
            ("templates/keys.py", "render", (1, 2)),
            ("out/SHA256SUMS", "check", (1,)),
            ("out/staging/keys.yaml", "check", (1,)),
            ("out/staging", "plan ENV=staging", (1, 2)),
            ("out", "status LOCAL=1", (1, 2)),
            ("out", "rehearse APP=.", (1, 2)),
        ]
    )

    def remove(folder: Path) -> None:
        shutil.rmtree(folder / path) if (folder / path).is_dir() else (folder / path).unlink()

    return Situation(words.split(), codes=codes, prepare=remove, writes=True)


def no_permission(chance: random.Random) -> Situation:
    """Return a situation with files that the user may not read or write."""
    path, words, codes = chance.choice(
        [
            (CONFIGURATION, "render", (2,)),
            (CONFIGURATION, "status", (2,)),
            ("templates/keys.py", "check", (1, 2)),
            ("templates", "check", (1, 2)),
            ("out", "render", (1,)),
            ("out/staging", "render", (1,)),
            ("out/staging/keys.yaml", "check", (1,)),
            ("out/SHA256SUMS", "plan ENV=staging", (1, 2)),
            (".state", "local", (1,)),
        ]
    )

    def lock(folder: Path) -> None:
        (folder / CONFIGURATION).write_text((folder / CONFIGURATION).read_text().replace("= 30", "= 60"))
        (folder / ".state").mkdir(exist_ok=True)
        (folder / path).chmod(0o500 if words == "render" and (folder / path).is_dir() else 0)

    # The files of other folders are written before the error.
    return Situation(words.split(), codes=codes, prepare=lock, writes=(path, words) == ("out/staging", "render"))


def another_setting(folder: Path) -> None:
    path = folder / CONFIGURATION
    path.write_text(path.read_text().replace("log_retention_days = 30", "log_retention_days = 60"))


def full_disk(chance: random.Random) -> Situation:
    """Return a situation with a limit on the length of every file, as on a full disk."""
    return Situation(["render"], codes=(1,), prepare=another_setting, file_size=chance.randint(0, 3000), writes=True)


def full_output(chance: random.Random) -> Situation:
    """Return a situation whose standard output accepts no data."""
    return Situation([chance.choice(["check", "deploy-policy ENV=staging", "help"])][0].split(), output="/dev/full")


def other_surroundings(chance: random.Random) -> Situation:
    """Another locale, another Python, another terminal: the same bytes; `status` has no credentials."""
    environment = chance.choice(
        [
            {"LC_ALL": "C"},
            {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
            {"LC_ALL": "tr_TR.UTF-8"},
            {"LANG": "nonsense"},
            {"PYTHONIOENCODING": "ascii"},
            {"PYTHONOPTIMIZE": "2"},
            {"PYTHONOPTIMIZE": "1", "PYTHONHASHSEED": "1"},
            {"PYTHONWARNINGS": "error"},
            {"PYTHONDEVMODE": "1"},
            {"PYTHONSAFEPATH": "1"},
            {"TERM": "dumb", "COLUMNS": "1"},
            {"TZ": "Pacific/Kiritimati"},
            {"HOME": "/nonexistent"},
            {"PYTHONPATH": "/nonexistent"},
            {"GIT_DIR": "/nonexistent"},
            {"TMPDIR": "/nonexistent"},
        ]
    )
    return Situation([chance.choice(["check", "render", "help-all", "status"])], codes=(0, 1), environment=environment)


def credential_sources(chance: random.Random) -> Situation:
    """Return a situation with sources of credentials that are missing or return no credentials."""
    source = chance.choice(
        [
            "credential_process = /no/such/helper",
            "credential_process = /bin/false",
            "credential_process = /bin/echo []",
            "credential_process = /bin/echo {",
            'credential_process = "/unclosed quote',
            "credential_process =",
            "role_arn = arn:aws:iam::111111111111:role/x\nsource_profile = dev",
            "role_arn = arn:aws:iam::111111111111:role/x\nsource_profile = other",
            "role_arn = arn:aws:iam::111111111111:role/x\ncredential_source = Nowhere",
            "role_arn = arn:aws:iam::111111111111:role/x\nweb_identity_token_file = /no/such/token",
            "sso_session = none\nsso_account_id = 111111111111\nsso_role_name = x",
            "login_session = somebody",
            "aws_access_key_id = AKIA1",
            "region = nowhere",
            "[",
        ]
    )

    def write(folder: Path) -> None:
        (folder / ".aws").mkdir()
        (folder / ".aws/config").write_bytes(
            f"[profile dev]\n{source}\n".encode(chance.choice(("utf-8", "utf-8", "utf-8", "utf-16")))
        )

    words = chance.choice(["plan ENV=staging", "status ENV=staging", "doctor ENV=tools", "destroy ENV=staging YES=1"])
    return Situation(words.split(), (1, 2), {"AWS_PROFILE": "dev"}, prepare=write)


def other_folder(chance: random.Random) -> Situation:
    """Return a situation in which make is called in another folder than the project's."""
    folder, makefile = chance.choice(
        [("templates", "../Makefile"), ("out/staging", "../../Makefile"), (".ci", "../Makefile")]
    )
    return Situation(["-f", makefile, chance.choice(["render", "check", "status"])], codes=(2,), folder=folder)


def without_git(chance: random.Random) -> Situation:
    """Return a situation without git on the PATH."""
    words = chance.choice(["review", "upgrade-check REF=main", "release APP=.", "plan ENV=staging", "check"])

    def hide(folder: Path) -> None:
        (folder / "programs").mkdir()
        for name in ("make", "sh", "awk", "test", "env", "rm", "touch", "python3"):
            (folder / "programs" / name).symlink_to(shutil.which(name) or "")

    return Situation(words.split(), (0, 1, 2, 3, 75), {"PATH": "programs"}, prepare=hide)


def foreign_git(chance: random.Random) -> Situation:
    """Return a situation with a repository of another owner, a damaged one, or one without a commit."""
    words = chance.choice(["review", "upgrade-check REF=main", "release APP=. LOCAL=1", "plan ENV=staging", "check"])
    kind = chance.randrange(4)

    def damage(folder: Path) -> None:
        subprocess.run(["git", "init", "-q", str(folder)], check=True)
        if kind == 0 and os.geteuid() == 0:
            os.chown(folder / ".git", 12345, 12345)
        elif kind == 1:
            (folder / ".git/HEAD").write_text("nonsense")
        elif kind == 2:
            (folder / ".git/config").write_bytes(b"[core\0")

    return Situation(words.split(), (0, 1, 2, 3, 75), prepare=damage)


def interrupted(chance: random.Random) -> Situation:
    """Return a situation with Ctrl-C at any moment."""
    words = chance.choice(["render", "check", "status", "deploy ENV=staging YES=1", "review", "render SUFFIX=pr1"])
    return Situation(
        words.split(),
        codes=(0, 1, 2, 3, 75, 130),
        prepare=another_setting,
        interrupt=chance.uniform(0.0, 1.5),
        writes=True,
    )


KINDS = (
    *(misspelt, wrong_values, wrong_values, nothing_running, damaged_configuration, damaged_configuration),
    *(line_ends, byte_order_mark, folder_instead, folder_instead, missing, no_permission, full_disk, full_output),
    *(other_surroundings, other_surroundings, other_folder, without_git, foreign_git, interrupted, interrupted),
    *(credential_sources, credential_sources, credential_sources),
)


def checkout(folder: Path) -> Path:
    """Return a project in `folder`, as after `make setup`, which uses the packages of this environment."""
    project = rendered_project()
    shutil.copytree(project / "templates", folder / "templates")
    shutil.copytree(project / "out", folder / "out")
    (folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/refuse", folder / ".ci")
    for name in SETTINGS:
        shutil.copy(ROOT / name, folder)
    (folder / ".venv").mkdir()
    for part in ("bin", "lib", "pyvenv.cfg"):
        (folder / ".venv" / part).symlink_to(Path(sys.prefix) / part)
    (folder / ".venv-local").mkdir()
    for stamp in (".venv/.locked", ".venv/.done", ".venv-local/.done"):
        (folder / stamp).touch()
    return folder


def run(folder: Path, situation: Situation) -> tuple[int, str, str]:
    """Return the exit code, the output and the error messages of make."""
    programs = os.environ["PATH"]
    environment = {"PATH": programs, "HOME": str(folder), "AWS_EC2_METADATA_DISABLED": "true"} | situation.environment
    if "PATH" in situation.environment:
        environment["PATH"] = str(folder / situation.environment["PATH"])

    def limit() -> None:
        if situation.file_size is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (situation.file_size, situation.file_size))

    with contextlib.ExitStack() as stack:
        out: int | IO[bytes] = subprocess.PIPE
        if situation.output:
            out = stack.enter_context(open(situation.output, "wb"))
        process = subprocess.Popen(
            [*unprivileged(), shutil.which("make") or "make", *situation.words],
            cwd=folder / situation.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=limit,
        )
        if situation.interrupt is not None:
            time.sleep(situation.interrupt)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
        output, messages = process.communicate(timeout=FINISHED)
    return process.returncode, (output or b"").decode(errors="replace"), messages.decode(errors="replace")


def unprivileged() -> list[str]:
    """Return the command that makes the permissions of files count for root, too."""
    capabilities = "-dac_override,-dac_read_search"
    program = shutil.which("setpriv") or "setpriv"
    return [program, "--bounding-set", capabilities, "--inh-caps", capabilities] if os.geteuid() == 0 else []


def contents(folder: Path) -> dict[str, bytes]:
    """Return the configuration and the rendered files."""
    found = [path for room in ("templates", "out", "build") for path in (folder / room).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found if path.suffix != ".pyc"}


def errors(messages: str) -> Iterator[str]:
    """Yield the first line of each error, without the lines that make adds about the failed target."""
    for line in messages.splitlines():
        if re.match(
            r"(error:|Error:|Aborted!|/bin/sh:|make: \*\*\* No rule|\S*Makefile:\d+: \*\*\*|.*: error: )", line
        ):
            yield line


def program_code(code: int, messages: str) -> int:
    """Return the exit code of the program that make ran."""
    if found := re.search(r"^make: \*\*\* \[.*\] Error (\d+)$", messages, re.MULTILINE):
        assert code == 2
        return int(found[1])
    return code


def problems(situation: Situation, code: int, output: str, messages: str) -> Iterator[str]:
    """Yield each fault of an answer."""
    text = re.sub(PYTHON_STARTS, "", messages) if situation.interrupt is not None else messages
    ended = program_code(code, messages)
    if "Traceback" in text + output or "Exception ignored" in text:
        yield "a traceback"
    if ended not in (*situation.codes, *((-signal.SIGINT,) if situation.interrupt is not None else ())):
        yield f"exit code {ended}"
    # GNU make that loses a child to Ctrl-C has only this line of its own.
    lost = situation.interrupt is not None and "make: *** wait: No child processes.  Stop." in text
    if ended > 0 and len(list(errors(text))) != 1 and not lost:
        yield "not one error"


@pytest.mark.long
@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_clumsy_user_of_make_gets_one_line_and_whole_files(seed: int) -> None:
    kind = KINDS[seed % len(KINDS)]
    situation = kind(random.Random(seed))  # noqa: S311 - situations, no secrets
    with tempfile.TemporaryDirectory() as name:
        folder = checkout(Path(name))
        situation.prepare(folder)
        before = contents(folder)
        code, output, messages = run(folder, situation)
        after = contents(folder)

    assert not list(problems(situation, code, output, messages)), (situation, code, output, messages)
    assert [path for path in after.keys() - before.keys() if path.endswith(".new")] == []
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    if code and not situation.writes:
        assert changed == set()
    # What was not written as a whole is what it was.
    assert {path for path in changed if not after[path].endswith(b"\n")} == set()
