"""Recognizes commands in a Dockerfile that install only locked packages, or that download a file with a checksum.

The text of this module becomes part of a build script, so it must run on Python 3.8.
"""

from __future__ import annotations

import re

PATH = r"[\w./][\w./-]*"
# The name of a package in a repository. With other endings, installers read the text as the name of a file.
NAMED = r"(?!\S*(?i:\.(?:rpm|apk|u?deb|dsc|changes))(?!\S))[a-z0-9][\w+.-]*(?:=[\w.+:~-]+)?"
REQUIREMENTS = r"(?!-)(?:[\w./-]+/)?(?:[\w.-]*requirements[\w.-]*|requirements/[\w.-]+)\.txt"
# The forms of commands that install only locked packages: the command, the allowed options, and the required options.
PIP = (
    r"-q|--(?:no-cache-dir|no-deps|quiet|no-compile|no-input|disable-pip-version-check|root-user-action[= ]ignore|user)"
)
NODE = r"--(?:omit[= ]dev|production|prod|no-audit|no-fund|no-optional|silent|no-progress)"
FORMS: list[tuple[str, str, tuple[str, ...]]] = [
    (
        r"(?:[\w./-]+/)?(?:python[\d.]* -m )?pip[\d.]* install",
        rf"--require-hashes|--only-binary[= ]:all:|{PIP}|(?:-t|--target|--prefix)[= ]{PATH}"
        rf"|(?:-r|--requirement)[= ]{REQUIREMENTS}",
        (r"--require-hashes", r"--only-binary[= ]:all:", r"(?:-r|--requirement)[= ]\S+"),
    ),
    (
        r"uv pip (?:install|sync)",
        rf"--no-config|--require-hashes|--no-build|--system|--no-cache|--no-deps|--quiet|-q|(?:-r )?{REQUIREMENTS}",
        # A setting in pyproject.toml can name an interpreter that uv downloads and runs.
        ("--no-config", "--require-hashes", "--no-build"),
    ),
    (
        r"uv sync",
        r"--no-config|--no-python-downloads|--locked|--frozen|--no-build|--no-install-project|--no-install-workspace|--no-dev|--no-cache|--quiet|-q",
        # The source can require a Python version, which uv would download.
        (
            *("--no-config", "--no-python-downloads", "--locked|--frozen", "--no-build"),
            "--no-install-(?:project|workspace)",
        ),
    ),
    (r"npm ci", rf"--ignore-scripts|{NODE}", ("--ignore-scripts",)),
    (r"yarn install", rf"--frozen-lockfile|--ignore-scripts|{NODE}", ("--frozen-lockfile", "--ignore-scripts")),
    (r"pnpm install", rf"--frozen-lockfile|--ignore-scripts|{NODE}|-P", ("--frozen-lockfile", "--ignore-scripts")),
    (r"go mod download", r"-x", ()),
    (r"cargo fetch", r"--locked|--quiet", ("--locked",)),
    (r"composer install", r"--no-(?:scripts|plugins|dev|interaction|progress)", ("--no-scripts", "--no-plugins")),
    # System packages, which the registry's scan judges.
    (r"apt-get(?: -q+| -y)* (?:update|upgrade)", r"-y|-q+|--yes", ()),
    (r"apt-get(?: -q+| -y)* install", rf"-y|-q+|--yes|--no-install-(?:recommends|suggests)|{NAMED}", ()),
    (r"apk(?: --no-cache| -q)* (?:add|upgrade)", rf"--no-cache|--update|-U|-q|{NAMED}", ()),
    (r"(?:dnf|microdnf|yum)(?: -y| -q)* (?:install|update|upgrade)", rf"-y|-q|--nodocs|{NAMED}", ()),
]
DOWNLOAD = re.compile(
    r"curl(?: -[fsSL]+)* (?:-o|--output|-[fsSL]+o) ((?:/tmp|/opt)/[a-z0-9][\w.-]*)(?: -[fsSL]+)* (https://(?!\S*\.\.)[\w./:+~=-]+)"
    r" && echo [\"']?[0-9a-f]{64} \*?(\S+?)[\"']? \| sha256sum (?:-c|--check)(?: -)?"
)
# These installers install programs of packages, links to folders that the source names, or modules that Python imports
# when it starts. So the next command could run code of a package.
BRINGS_PROGRAMS = re.compile(r"(?:npm|yarn|pnpm|composer|uv) |(?:[\w./-]+/)?(?:python[\d.]* -m )?pip[\d.]* ")
# Commands that add users and groups. Their options may copy /etc/skel, but no other file, and neither move nor run
# files. With other options, such as `useradd -k` and `usermod -m`, a lock file could become a program that the next
# command runs.
USER, NUMBER = r"[A-Za-z_][\w-]*", r"\d+"
LOGIN = r"/(?:usr/)?s?bin/(?:nologin|false|true|sh|bash|ash)"
HOME = r"/(?:app|nonexistent|workspace|(?:home|srv|opt|app|usr/src|var/www)/[\w-]+)"
NEW_USER = (
    rf"-[rMNUlmo]+|--(?:system|create-home|no-create-home|no-user-group|user-group|no-log-init)"
    rf"|-[rMNUlmo]*[ug] {NUMBER}|(?:-g|-G|--gid|--groups)[= ]{USER}(?:,{USER})*|--[ug]id[= ]{NUMBER}"
    rf"|(?:-s|--shell)[= ]{LOGIN}|(?:-d|--home|--home-dir)[= ]{HOME}|(?:-c|--comment)[= ]\w[\w-]*"
)
ADD_USER = (
    rf"-[SDH]+|--(?:system|group|quiet|disabled-(?:password|login)|no-create-home)|(?:-u|--[ug]id)[= ]{NUMBER}"
    rf"|(?:-G|--ingroup|--gecos|-g)[= ](?:\w[\w-]*|\"\")|(?:-s|--shell)[= ]{LOGIN}|(?:-h|--home)[= ]{HOME}"
)
USERS = (
    rf"useradd(?: (?:{NEW_USER}))* {USER}(?: (?:{NEW_USER}))*",
    rf"adduser(?: (?:{ADD_USER}))* {USER}(?: {USER})?",
    rf"groupadd(?: (?:-[rfo]+|--(?:system|force)|(?:-[rfo]*g|--gid)[= ]{NUMBER}))* {USER}",
    rf"addgroup(?: (?:-S|--system|--quiet|(?:-g|-Sg|--gid)[= ]{NUMBER}))* {USER}(?: {USER})?",
    rf"usermod(?: (?:-a|--append|(?:-aG|-G|-g|--groups|--gid)[= ](?:{USER}(?:,{USER})*|{NUMBER})"
    rf"|(?:-s|--shell)[= ]{LOGIN}))* {USER}",
    rf"groupmod (?:-o )?(?:-g|--gid)[= ]{NUMBER} {USER}",
)
# Commands that need no network and add no files from outside the image.
HARMLESS = re.compile(
    r"rm -rf /var/lib/apt/lists/\*|(?:apt-get|dnf|microdnf|yum) clean(?: all)?|mkdir(?: -p)?(?: [\w./-]+)+|true"
    r"|(?:[\w./-]+/)?python[\d.]* -m venv(?: --system-site-packages)? [\w./-]+|" + "|".join(USERS)
)


def is_form(command: str) -> bool:
    """Return whether a command has one of `FORMS`. Such a command installs only packages that a lock file lists."""
    return any(
        re.fullmatch(f"{program}(?: (?:{options}))*", command)
        and all(re.search(rf"(?<!\S)(?:{each})(?!\S)", command) for each in needed)
        for program, options, needed in FORMS
    )


def kinds(command: str, addresses: list[str]) -> set[str]:
    """Classify each of the commands that `&&` joins in `command`, and return the classes.

    - `lock`: the command installs packages, and only those that a lock file lists.
    - `download`: the command downloads a file with a checksum from one of the `addresses`.
    - `nothing`: the command needs no network.
    - `programs`: the command installs packages that can contain programs. Later commands of the stage must have no
      network, because they could run these programs.
    - `other`: any other command.
    """
    found = set()
    rest = re.sub(r"[ \t]+", " ", command).strip()
    while rest:
        download = DOWNLOAD.match(rest)
        if download and (download[1] != download[3] or not is_below(download[2], addresses)):
            download = None
        part = download[0] if download else rest.partition(" && ")[0]
        known = "nothing" if HARMLESS.fullmatch(part) else "lock" if is_form(part) else "other"
        kind = "download" if download else known
        found.add("other" if "programs" in found and kind != "nothing" else kind)
        if kind == "lock" and BRINGS_PROGRAMS.match(part):
            found.add("programs")
        joined = rest[len(part) :]
        if joined and not (joined.startswith(" && ") and joined[4:]):
            return {"other"}
        rest = joined[4:]
    return found or {"other"}


def is_below(url: str, addresses: list[str]) -> bool:
    """Return whether a URL is in `addresses`, or begins with an address that ends in a slash."""
    return any(url == address or (address.endswith("/") and url.startswith(address)) for address in addresses)
