"""Returns shell commands that several checks share. They install pinned tools, and prepare files for these tools."""

from __future__ import annotations

from cicd_templates.builds.build_scripts import read_build_file, write_script

# The virtual environment of a check's tools, in the container of one build.
TOOL = "/tmp/tool"  # noqa: S108 - nobody else is in that container
MAKE_TOOL = f"[ -d {TOOL} ] || python3 -I -m venv {TOOL}"
# The virtual environment that contains only the metadata of the application's packages.
DESCRIBED = "/tmp/described"  # noqa: S108 - as above
# The folder with copies of the requirements files that a scanner judges.
JUDGED = "/tmp/judged"  # noqa: S108 - as above
ARCHIVES = "/tmp/packaged_archives.json"  # noqa: S108 - as above
# The advice that follows pip's own message if pip refuses requirements without hashes.
ADD_HASHES = (
    "requirements.txt was not installed. If the error of pip above says that versions or hashes are missing, list the"
    " packages in requirements.in and run: uv pip compile --generate-hashes requirements.in -o requirements.txt"
    " (or pip-compile --generate-hashes requirements.in; in a project of uv: uv export --no-dev -o requirements.txt)"
)


def write_pins(name: str) -> str:
    """Return the shell command that writes the content of `pins/<name>`, a list of pinned requirements, to /tmp."""
    return f"cat > /tmp/{name} <<'PINS'\n{read_build_file('pins', name).rstrip()}\nPINS"


def install_pins(pins: str) -> str:
    """Return the command that installs exactly the packages of `pins/<pins>.txt` into /tmp/tool."""
    return "\n".join(
        [
            write_pins(f"{pins}.txt"),
            MAKE_TOOL,
            f"{TOOL}/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes \\",
            f"  --only-binary :all: --requirement /tmp/{pins}.txt",
        ]
    )


def install_requirements() -> str:
    """Return the command that installs the packages in the source's `requirements.txt`, as wheels with matching hashes.

    This file can contain options of pip, such as `--no-binary`. With such an option, pip can run code of a package. So
    only a check that runs the application may use this command.
    """
    return "\n".join(
        [
            MAKE_TOOL,
            "if [ -f requirements.txt ]; then",
            f"  {TOOL}/bin/pip install --quiet --disable-pip-version-check \\",
            "    --no-deps --require-hashes --only-binary :all: --requirement requirements.txt || {",
            f"    echo '{ADD_HASHES}' >&2",
            "    false",
            "  }",
            "fi",
        ]
    )


def describe_requirements(*secrets: str) -> str:
    """Return the command that creates a virtual environment with the metadata of the packages in `requirements.txt`.

    The virtual environment contains only the `.dist-info` folder of each wheel, so no code of a package can run in it.
    pip runs without the environment variables that `secrets` names.
    """
    without = " ".join(f"--unset={name}" for name in secrets)
    return "\n".join(
        [
            write_script("pinned_requirements.py"),
            f"python3 -I -m venv --without-pip {DESCRIBED}",
            "if [ -f requirements.txt ]; then",
            f"  {TOOL}/bin/python3 -I /tmp/pinned_requirements.py requirements.txt > /tmp/requirements.txt",
            f"  env {without} {TOOL}/bin/pip install --quiet --disable-pip-version-check --target /tmp/wheels \\",
            "    --no-deps --require-hashes --only-binary :all: --requirement /tmp/requirements.txt",
            f"  folder=$({DESCRIBED}/bin/python3 -I -c 'import sysconfig; print(sysconfig.get_path(\"purelib\"))')",
            '  find /tmp/wheels -maxdepth 1 -name "*.dist-info" -exec cp -R {} "$folder" \\;',
            "fi",
        ]
    )


def list_dependencies(name: str) -> str:
    """Return the command that copies requirements files to a separate folder, for a scanner.

    The command copies each file whose path matches `name`. The folder contains no other file of the source, so the
    source cannot influence the scanner. The command also writes a list to the file `$NOT_READ`: the dependencies that
    the scanner cannot see.
    """
    return "\n".join(
        [
            write_script("packaged_archives.py"),
            write_script("dependencies.py"),
            f"rm -rf {JUDGED}",
            f"{TOOL}/bin/python3 -I /tmp/packaged_archives.py . > {ARCHIVES}",
            f"{TOOL}/bin/python3 -I /tmp/dependencies.py . {JUDGED} '{name}' < {ARCHIVES} > \"$NOT_READ\"",
        ]
    )


def install_locked_packages() -> str:
    """Return the command that installs the npm packages in the source's lock file. It does not run their scripts."""
    return f"if [ -f package-lock.json ]; then {TOOL}/bin/npm ci --ignore-scripts --no-audit --no-fund; fi"
