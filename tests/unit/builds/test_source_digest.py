"""The digest of a source tree: equal in every shell, different for different trees, and refused for unclear trees."""

from __future__ import annotations

import atexit
import hashlib
import os
import py_compile
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from cicd_templates.builds import buildspecs, image_build
from cicd_templates.builds.configured_checks import checks_of
from tests.conftest import ROOT
from tests.hostile import application
from tests.projects.rendering import EXAMPLE
from tests.unit.builds.build_runner import SERVICE, commands, run, service

SCRIPT = ROOT / "src/cicd_templates/builds/scripts/source_digest.sh"
BUSYBOX = pytest.param("busybox", marks=pytest.mark.skipif(not shutil.which("busybox"), reason="needs busybox"))
SHELLS = ["dash", "bash", BUSYBOX]


@cache
def busybox_programs() -> str:
    folder = tempfile.mkdtemp(prefix="busybox-")
    atexit.register(shutil.rmtree, folder)
    subprocess.run(["busybox", "--install", "-s", folder], check=True)
    return folder


def computed(source: Path, folder: str = ".", interpreter: str = "dash") -> subprocess.CompletedProcess[str]:
    """Return the result of the script for `source`. With `busybox`, its find, sort and sha256sum are used, too."""
    lists = source.parent / "lists"
    text = SCRIPT.read_text().replace("/tmp/source_digest_lists", str(lists))
    path = "/usr/bin:/bin"
    if interpreter == "busybox":
        interpreter, path = "sh", busybox_programs()
    command = [str(shutil.which(interpreter, path=path)), "-s", str(source), folder]
    return subprocess.run(command, input=text, env={"PATH": path}, capture_output=True, text=True, check=False)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "source")


def make_tree(source: Path) -> Path:
    (source / "src/empty").mkdir(parents=True)
    (source / "src/app.py").write_text("run()\n")
    (source / "start").write_text("#!/bin/sh\n")
    (source / "start").chmod(0o755)
    (source / "latest").symlink_to("src/app.py")
    return source


@pytest.mark.parametrize("shell", SHELLS)
def test_the_digest_is_that_of_the_documented_list(tree: Path, shell: str) -> None:
    def sha256(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    contents = {"./src/app.py": "run()\n", "./start": "#!/bin/sh\n"}
    files = sorted(f"{sha256(content)}  {name}" for name, content in contents.items())
    link = f"{sha256('src/app.py')}  ./latest"
    parts = ["folders", ".", "./src", "./src/empty", "executable", "./start", "links", link, "files", *files]

    assert computed(tree, interpreter=shell).stdout == sha256("\n".join(parts) + "\n") + "\n"


def relink(tree: Path, target: str) -> None:
    (tree / "latest").unlink()
    (tree / "latest").symlink_to(target)


def copy_link(tree: Path) -> None:
    (tree / "latest").unlink()
    (tree / "latest").write_text("src/app.py")


CHANGES: list[tuple[str, Callable[[Path], object]]] = [
    ("content", lambda tree: (tree / "src/app.py").write_text("run() \n")),
    ("a file more", lambda tree: (tree / "src/more.py").write_text("")),
    ("a file less", lambda tree: (tree / "src/app.py").unlink()),
    ("another name", lambda tree: (tree / "src/app.py").rename(tree / "src/App.py")),
    ("another folder", lambda tree: (tree / "src/app.py").rename(tree / "app.py")),
    ("contents exchanged", lambda tree: [(tree / "start").write_text("run()\n"), (tree / "src/app.py").write_text("")]),
    ("executable", lambda tree: (tree / "src/app.py").chmod(0o755)),
    ("no longer executable", lambda tree: (tree / "start").chmod(0o644)),
    ("another link", lambda tree: relink(tree, "./src/app.py")),
    ("a file and no link", lambda tree: copy_link(tree)),
    ("a folder more", lambda tree: (tree / "src/empty/more").mkdir()),
    ("a folder less", lambda tree: (tree / "src/empty").rmdir()),
    ("a hidden file", lambda tree: (tree / ".env").write_text("")),
    ("a name that is not UTF-8", lambda tree: Path(os.fsdecode(bytes(tree) + b"/\xff")).write_text("")),
    ("a name like an option", lambda tree: (tree / "--help").write_text("")),
    ("a name like a line of the list", lambda tree: (tree / "executable").write_text("")),
]


@cache
def computed_before(shell: str) -> subprocess.CompletedProcess[str]:
    """Return the result for a tree that nobody has changed."""
    with tempfile.TemporaryDirectory() as folder:
        return computed(make_tree(Path(folder) / "source"), interpreter=shell)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("change", [pytest.param(change, id=name) for name, change in CHANGES])
def test_another_tree_has_another_digest(tree: Path, change: Callable[[Path], object], shell: str) -> None:
    before = computed_before(shell)
    change(tree)
    after = computed(tree, interpreter=shell)

    assert (before.returncode, after.returncode, after.stderr) == (0, 0, "")
    assert len(after.stdout) == 65
    assert after.stdout != before.stdout


def test_times_owners_and_other_modes_do_not_count(tree: Path) -> None:
    before = computed(tree).stdout
    os.utime(tree / "src/app.py", (0, 0))
    (tree / "src/app.py").chmod(0o600)
    (tree / "src").chmod(0o700)

    assert computed(tree).stdout == before


def test_every_shell_computes_one_digest_of_a_hostile_tree(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("__pycache__"))
    for files in (application.steering(), *application.findings()):
        application.write(files, source)
    answers = [computed(source, interpreter=shell) for shell in ("dash", "bash")]
    answers += [computed(source, interpreter="busybox")] if shutil.which("busybox") else []

    assert [answer.stderr for answer in answers] == [""] * len(answers)
    assert len({answer.stdout for answer in answers}) == 1


def deep(tree: Path) -> None:
    here = os.getcwd()
    os.chdir(tree)
    try:
        for _ in range(20):
            os.mkdir("d" * 250)
            os.chdir("d" * 250)
        Path("file").write_text("eval(input())")
    finally:
        os.chdir(here)


def link_over_a_link(tree: Path) -> None:
    (tree / "a").symlink_to("b/x")
    (tree / "b").symlink_to("/etc")


def pipe(tree: Path) -> None:
    os.mkfifo(tree / "pipe")


def planted(tree: Path, name: str) -> None:
    (tree / name).parent.mkdir()
    (tree / name).write_bytes(b"text")


def repository(tree: Path, *names: str) -> None:
    for name in names:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("")


REFUSED: list[tuple[str, Callable[[Path], object], str]] = [
    ("line break", lambda tree: (tree / "a\nfiles").write_text(""), "control character or a backslash"),
    ("tabulator", lambda tree: (tree / "a\tb").mkdir(), "./a?b"),
    ("backslash", lambda tree: (tree / "src\\evil.py").write_text(""), "./src\\evil.py"),
    ("escape", lambda tree: (tree / "\x1b[2J").write_text(""), "./?[2J"),
    ("absolute link", lambda tree: (tree / "link").symlink_to("/proc/self/environ"), "lead out of the source"),
    ("link up", lambda tree: (tree / "src/link").symlink_to("../../outside"), "./src/link"),
    ("link over a link", lambda tree: link_over_a_link(tree), "./a"),
    ("link to nowhere", lambda tree: (tree / "link").symlink_to("no/such"), "or nowhere: ./link"),
    ("link to itself", lambda tree: (tree / "link").symlink_to("link"), "./link"),
    ("a sibling with the same beginning", lambda tree: (tree / "link").symlink_to("../source-of-another"), "./link"),
    ("a pipe", pipe, "neither files nor folders nor links: ./pipe"),
    (
        "compiled Python of any header",
        lambda tree: planted(tree, "src/__pycache__/app.cpython-313.pyc"),
        "./src/__pycache__",
    ),
    ("compiled Python in capitals", lambda tree: (tree / "src/app.PYC").write_bytes(b"\0"), "./src/app.PYC"),
    ("a library", lambda tree: (tree / "src/fast.so").write_bytes(b""), "./src/fast.so"),
    ("a library of a version", lambda tree: (tree / "lib z.so.1.2").write_bytes(b"x"), "./lib z.so.1.2"),
    ("a module for Windows", lambda tree: (tree / "src/fast.pyd").write_bytes(b"x"), "./src/fast.pyd"),
    ("a program of any name", lambda tree: (tree / "src/run me").write_bytes(b"\x7fELF\2\1"), "./src/run me"),
    (
        "a program behind a header",
        lambda tree: [
            (tree / f"src/{each}").write_bytes(data) for each, data in (("a", b"==> "), ("b.txt", b"\x7fELF"))
        ],
        "./src/b.txt",
    ),
    ("compiled Python", lambda tree: (tree / "src/app.pyc").write_bytes(b"\0"), "is compiled Python, which can run"),
    ("optimized Python", lambda tree: (tree / "app.pyo").write_bytes(b"\0"), "./app.pyo"),
    ("Python 3.13 of any name", lambda tree: (tree / "start.dat").write_bytes(b"\xf3\r\r\n\0\0\0\0"), "./start.dat"),
    ("Python 3.14", lambda tree: (tree / "src/a b").write_bytes(b"\x2b\x0e\r\n"), "./src/a b"),
    ("Python 3.4", lambda tree: (tree / "x.txt").write_bytes(b"\xee\x0c\r\n\1"), "compiled Python"),
    ("Python 2.7", lambda tree: (tree / "x.txt").write_bytes(b"\x03\xf3\r\n\1"), "./x.txt"),
    ("PyPy 3.9", lambda tree: (tree / "x.txt").write_bytes(b"\x50\x01\r\n"), "./x.txt"),
    ("PyPy of early versions", lambda tree: (tree / "x.txt").write_bytes(b"\x70\0\r\n\1"), "./x.txt"),
    ("this Python", lambda tree: py_compile.compile(str(tree / "src/app.py"), str(tree / "LICENSE")), "./LICENSE"),
    ("a class of Java", lambda tree: (tree / "x").write_bytes(b"\xca\xfe\xba\xbe\0\0\0\x34"), "./x"),
    ("WebAssembly", lambda tree: (tree / "logo.png").write_bytes(b"\0asm\1\0\0\0"), "./logo.png"),
    ("compiled Lua", lambda tree: (tree / "x.lua").write_bytes(b"\x1bLuaT"), "./x.lua"),
    ("a compiled script of Node.js", lambda tree: (tree / "x.js").write_bytes(b"\xa2\x05\xde\xc0\3"), "./x.js"),
    ("a git repository", lambda tree: repository(tree, ".git/config"), "is a git repository, whose configuration"),
    ("a git repository elsewhere", lambda tree: (tree / "src/.git").write_text("gitdir: ../x"), "./src/.git"),
    ("a link to a git repository", lambda tree: (tree / "src/.GIT").symlink_to("../src"), "./src/.GIT"),
    ("a bare repository", lambda tree: repository(tree, "HEAD", "config", "objects/x", "refs/x"), "program"),
    ("a bare repository below", lambda tree: repository(tree, "a b/HEAD", "a b/objects/x", "a b/refs/x"), "./a b"),
    ("a git work tree of another", lambda tree: repository(tree, "src/w/HEAD", "src/w/commondir"), "./src/w"),
    ("a long path", deep, "more than 3,000 bytes"),
]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(("change", "reason"), [pytest.param(change, why, id=name) for name, change, why in REFUSED])
def test_a_tree_that_is_unclear_is_refused_in_one_line(
    tree: Path, change: Callable[[Path], object], reason: str, shell: str
) -> None:
    (tree.parent / "source-of-another").mkdir()
    change(tree)
    answer = computed(tree, interpreter=shell)

    assert answer.returncode == 1
    assert answer.stdout == ""
    # busybox names the path that it could not open before the script does.
    assert reason in answer.stderr or (reason.startswith("more than") and shell == "busybox")
    assert len(answer.stderr.splitlines()) == 1 or shell == "busybox"
    assert answer.stderr.replace("\n", "").isprintable()


def test_only_the_service_of_a_monorepo_counts_and_its_links_stay_within_it(tree: Path) -> None:
    (tree / "services/pay").mkdir(parents=True)
    (tree / "services/pay/app.py").write_text("")
    (tree / "services/other").mkdir()
    (tree / "services/other/link").symlink_to("/etc/passwd")
    first = computed(tree, "services/pay")
    (tree / "services/other/more.py").write_text("")

    assert (first.returncode, computed(tree, "services/pay").stdout) == (0, first.stdout)
    (tree / "services/pay/shared").symlink_to("../other")
    assert "./shared" in computed(tree, "services/pay").stderr


@pytest.mark.parametrize(
    ("place", "target"), [("services/pay", "/etc"), ("services/pay", "../src"), ("services", "src"), ("x", "src")]
)
def test_the_folder_of_the_service_is_no_link(tree: Path, place: str, target: str) -> None:
    (tree / "src/pay").mkdir()
    (tree / place).parent.mkdir(exist_ok=True)
    (tree / place).symlink_to(target)
    answer = computed(tree, "services/pay")

    assert answer.returncode == 1
    assert answer.stderr == "error: the source has no folder services/pay, or reaches it by a link\n"


def test_every_check_records_the_digest_of_the_source_before_anything_of_it_runs() -> None:
    for check in checks_of(service()):
        first, *_ = commands(buildspecs.check(service(), check), "install")
        assert "source_digest.sh" in first


def test_a_check_of_another_language_records_the_digest_too() -> None:
    own = {
        "image": f"ghcr.io/own/go@sha256:{'a' * 64}",
        "version": "go version",
        "commands": ["go vet"],
        "format": "sarif",
        "tool": "go-vet",
    }
    of = service((f"{SERVICE}/checks", {"vet": own}))
    (check,) = checks_of(of)
    text = buildspecs.check(of, check)

    assert "python" not in text.replace("not every image of a check has Python", "")
    assert '"source_digest": "$(cat /tmp/source_digest)"' in text


@pytest.mark.parametrize("text", [image_build.image(service()), buildspecs.bill_of_materials(service())])
def test_a_build_after_the_gate_refuses_another_tree(tree: Path, text: str) -> None:
    phase = "build" if "docker" in text else "install"
    first = commands(text, phase)[0]
    digest = computed(tree).stdout.strip()
    (tree / "evil.py").write_text("eval(input())")
    answer = run(first, tree, SOURCE_DIGEST=digest)

    assert answer.returncode == 1
    assert f"but the checks judged {digest}" in answer.stderr
    assert run(first, tree, SOURCE_DIGEST="").returncode == 1


def test_nothing_unpacks_a_zip_in_a_build() -> None:
    of = service()
    texts = [buildspecs.check(of, check) for check in checks_of(of)]
    texts += [image_build.image(of), buildspecs.bill_of_materials(of), buildspecs.smoke_test(of)]

    assert not [text for text in texts if "unzip" in text or "zipfile" in text]


TEXTS = [
    b"{}\r\n",
    b"/*\r\n",
    b"#!\r\nx",
    b"a\n\r\n",
    b"\xc3\xa9\r\n",
    b"\xef\xbb\xbfx",
    b"",
    b"\n",
    b"x\t\r\n",
    b"\x89PNG",
]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_short_first_line_is_no_compiled_python(tree: Path, shell: str) -> None:
    for number, text in enumerate(TEXTS):
        (tree / f"{number}.txt").write_bytes(text)
    (tree / "utf16.txt").write_bytes("a\r\nb".encode("utf-16"))

    assert computed(tree, interpreter=shell).returncode == 0


def test_a_file_named_like_git_is_no_repository(tree: Path) -> None:
    repository(tree, "HEAD", "config", "src/objects/x", "refs/x", ".github/workflows/a.yml", ".gitignore", "x.git/a")

    assert computed(tree).returncode == 0


# What buildx runs in the build context: https://github.com/docker/buildx/blob/master/util/gitutil/gitutil.go
ASKS_GIT = """\
if [ "$1" = build ] && [ "$BUILDX_GIT_INFO" != 0 ]; then touch asked; fi
git -c log.showSignature=false rev-parse --is-inside-work-tree && git status --porcelain
exit 0"""


def test_a_repository_above_the_service_runs_nothing_in_its_image_build(tmp_path: Path) -> None:
    """The root of a connection's repository is not judged, and git looks for repositories in all parent folders."""
    source = tmp_path / "source"
    (source / "apps/pay").mkdir(parents=True)
    subprocess.run(["git", "init", "-q", source], check=True)
    hook = tmp_path / "hook"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    (source / ".git/config").write_text(f"[core]\nfsmonitor = {hook}\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/docker").write_text(f"#!/bin/sh\n{ASKS_GIT}\n")
    (tmp_path / "bin/docker").chmod(0o755)
    before = "cd apps/pay\n"

    assert run(f"{before}docker build .", source, tmp_path / "bin").returncode == 0
    assert ((tmp_path / "ran").exists(), (source / "apps/pay/asked").exists()) == (True, True)
    (tmp_path / "ran").unlink()
    (source / "apps/pay/asked").unlink()
    answer = run(f"{image_build.IGNORE_GIT}\n{before}docker build .", source, tmp_path / "bin")
    assert ((tmp_path / "ran").exists(), (source / "apps/pay/asked").exists(), answer.returncode) == (False, False, 0)


def test_every_build_that_runs_no_application_ignores_git() -> None:
    of = service()
    (image, _, examine) = commands(image_build.image(of))
    (sbom, *_) = commands(buildspecs.bill_of_materials(of))
    alone = [commands(buildspecs.check(of, each))[0] for each in checks_of(of) if not each.runs_application]

    assert image.startswith(image_build.IGNORE_GIT)
    assert "docker build" in examine
    assert [text for text in (sbom, *alone) if "export GIT_DIR=/dev/null" not in text] == []


def test_a_zip_that_two_programs_read_differently_makes_two_digests(tmp_path: Path) -> None:
    """Python takes the last of two entries of one name; a program that takes the first has another tree."""
    archive = tmp_path / "source.zip"
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("app.py", "eval(input())")
        with pytest.warns(UserWarning, match="Duplicate name"):
            target.writestr("app.py", "print()")
    for name, number in (("first", 0), ("last", 1)):
        (tmp_path / name / "source").mkdir(parents=True)
        with zipfile.ZipFile(archive) as read:
            (tmp_path / name / "source/app.py").write_bytes(read.read(read.infolist()[number]))

    assert computed(tmp_path / "first/source").stdout != computed(tmp_path / "last/source").stdout
