"""Writes rendered stacks, their checksums and an index to `out/`, or compares them with the files there.

This module writes only below the given folder. It deletes only files that an earlier run has listed in the checksums,
so other files in the folder remain.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath, PurePosixPath
from typing import NamedTuple

from cicd_templates.config.environment import Environment
from cicd_templates.errors import CicdError
from cicd_templates.files.ordinary_files import find_link, refuse_special
from cicd_templates.files.paths import CHECKSUMS
from cicd_templates.files.project_files import replace_file
from cicd_templates.render import github_workflow, pull_request_workflow
from cicd_templates.render.processes import map_in_processes, process_count
from cicd_templates.render.render import RenderedStack
from cicd_templates.render.review_pages import pages
from cicd_templates.template.checksums import checksums_text, digest_of, parse_checksums, recorded_sources
from cicd_templates.template.request_limits import TEMPLATE_BODY_BYTES
from cicd_templates.template.shell_commands import parameter_value

INDEX = "README.md"
FILES_PER_BATCH = 50


class Written(NamedTuple):
    """The result of a run of `make render`. All paths are sorted and relative to the folder.

    `kept` are files in the folder that `make render` did not create. `unchanged` is the number of unchanged files.
    """

    written: tuple[str, ...]
    deleted: tuple[str, ...]
    kept: tuple[str, ...]
    unchanged: int


class RenderedFiles(Mapping[str, str]):
    """The texts of files, keyed by their relative paths. The text of a template is read only when it is needed."""

    def __init__(self, templates: Mapping[str, RenderedStack], texts: Mapping[str, str]) -> None:
        self._templates, self._texts = templates, texts

    def __getitem__(self, path: str) -> str:
        stack = self._templates.get(path)
        return self._texts[path] if stack is None else stack.text

    def __iter__(self) -> Iterator[str]:
        yield from self._templates
        yield from self._texts

    def __len__(self) -> int:
        return len(self._templates) + len(self._texts)

    def __contains__(self, path: object) -> bool:
        # The method of `Mapping` would read the text.
        return path in self._templates or path in self._texts


def files_of(
    stacks: Sequence[RenderedStack],
    root: Path,
    only: str | None = None,
    *,
    sources: str = "",
    parts: list[str] | None = None,
) -> Mapping[str, str]:
    """Return the text of every file that belongs below `root`, keyed by relative path.

    - If `only` names an environment, only the files of this environment, the index and the list of checksums get new
      texts. The text of every other file is read from `root`. A file that is missing in `root` is missing in the
      result, too.
    - `sources` is the digest of the sources, for the list of checksums. If `only` is given, the digest is taken from
      the list of checksums in `root` instead.
    - If `parts` is a list, the function appends the parts of the review pages to this list, as JSON.
    """
    templates = {stack.path: stack for stack in stacks}
    environments = list({stack.environment.name: stack.environment for stack in stacks}.values())
    texts = {**workflows(environments), **pages(stacks, parts)}
    if only is not None:
        texts = _keep_others(RenderedFiles(templates, texts), stacks, root, only)
        templates = {}
    texts[INDEX] = index([stack for stack in stacks if stack.path in templates or stack.path in texts])
    if only is not None:
        sources = recorded_sources(_text(root / CHECKSUMS) or "")
    digests = {path: stack.digest for path, stack in templates.items()}
    digests |= {path: digest_of(text) for path, text in texts.items()}
    texts[CHECKSUMS] = checksums_text(digests, sources)
    return RenderedFiles(templates, texts)


def _keep_others(files: Mapping[str, str], stacks: Sequence[RenderedStack], root: Path, only: str) -> dict[str, str]:
    """Return the text of each file, keyed by path. `only` is the name of an environment.

    The files of this environment get their new texts. All other files keep the texts that they have in `root`.
    """
    chosen = next(stack.environment for stack in stacks if stack.environment.name == only)
    folders = {chosen.qualified} | ({github_workflow.FOLDER} if chosen.kind == "tools" else set())
    kept: dict[str, str] = {}
    for path in {*files, *_listed_in_sums(root)} - {INDEX}:
        text = files.get(path) if path.split("/")[0] in folders else _text(root / path)
        if text is not None:
            kept[path] = text
    return kept


def workflows(environments: Iterable[Environment]) -> dict[str, str]:
    """Return the workflows, keyed by relative path: one for each released service, and one for pull requests."""
    texts = {}
    for tools in [environment for environment in environments if environment.kind == "tools"]:
        for service in tools.services:
            if service.settings.github.releases:
                texts[github_workflow.workflow_path(service)] = github_workflow.workflow(tools, service)
    # A copy (`SUFFIX=`) has no role for pull requests, so its folder has no workflow for them.
    originals = [environment for environment in environments if not environment.is_copy]
    if previews := pull_request_workflow.workflow(originals):
        texts[pull_request_workflow.PATH] = previews
    return texts


def write_files(files: Mapping[str, str], root: Path) -> Written:
    """Write `files` below `root`. Raises `CicdError` with the path if a file cannot be written.

    The checksums are written last, so after an interrupted run, the folder has the checksums of the previous run.
    """
    listed = _listed_in_sums(root)
    others = _other_paths(files, root)
    stale = others & listed
    processes = process_count(len(files))
    paths = sorted(files)
    compared = map_in_processes(
        lambda path: _compare(path, files, root), paths, processes, lambda path: f"read {path}", FILES_PER_BATCH
    )
    comparisons = dict(zip(paths, compared, strict=True))
    changed = [path for path, (_, differs) in comparisons.items() if differs]
    try:
        for link in {link for link, _ in comparisons.values() if link}:
            link.unlink(missing_ok=True)
        written = map_in_processes(
            lambda path: replace_file(root / path, files[path]),
            [path for path in changed if path != CHECKSUMS],
            processes,
            lambda path: f"write {path}",
            FILES_PER_BATCH,
        )
        for _ in written:
            pass
        for path in stale:
            (root / path).unlink()
        if CHECKSUMS in changed:
            replace_file(root / CHECKSUMS, files[CHECKSUMS])
        for folder in {(root / path).parent for path in stale} - {root}:
            if not any(folder.iterdir()):
                folder.rmdir()
    except OSError as error:
        raise _cannot_write(error, root) from None
    return Written(tuple(changed), tuple(sorted(stale)), tuple(sorted(others - stale)), len(files) - len(changed))


def _compare(path: str, files: Mapping[str, str], root: Path) -> tuple[Path | None, bool]:
    """Return two values for a file below `root`: a symbolic link in its path, if any, and whether to write the file."""
    if link := find_link(root, path):
        return link, True
    text = _text(root / path)
    # Reading the new text takes longer than to find out that there is no old one.
    return None, text is None or text != files[path]


def write_changed(files: Mapping[str, str], root: Path) -> None:
    """Write `files` below `root`. The last file is the list of checksums.

    Raises `CicdError` with the path if a file cannot be written.
    """
    try:
        for path in sorted(files, key=lambda path: (path == CHECKSUMS, path)):
            replace_file(root / path, files[path])
    except OSError as error:
        raise _cannot_write(error, root) from None


def _cannot_write(error: OSError, root: Path) -> CicdError:
    return CicdError(f"{error.filename or root}: cannot be written: {error.strerror}")


def strays(files: Mapping[str, str], root: Path) -> list[str]:
    """Return the sorted relative paths of files below `root` that neither `files` nor the checksum list contains."""
    return sorted(_other_paths(files, root) - _listed_in_sums(root))


def diff_against_folder(files: Mapping[str, str], root: Path) -> list[str]:
    """Return the lines of a unified diff that shows how `make render` would change the folder `root`.

    `files` has the new text of every file. The diff leaves out the files that `strays` returns. The result is empty if
    `make render` would change no file.
    """
    from difflib import unified_diff

    diff: list[str] = []
    for path in sorted(files.keys() | (_other_paths(files, root) & _listed_in_sums(root))):
        if link := find_link(root, path):
            change = "replaces" if path in files else "removes"
            line = f"{link}: is a link to {link.readlink()}; `make render` {change} it"
            # Several files can be behind one link to a folder.
            diff += [line] if line not in diff else []
            continue
        before, after = _text(root / path), files.get(path)
        if before == after:
            continue
        lines = list(
            unified_diff(
                (before or "").splitlines(),
                (after or "").splitlines(),
                f"{root / path}" if before is not None else "/dev/null",
                f"rendered/{path}" if after is not None else "/dev/null",
                lineterm="",
            )
        )
        diff += lines or [f"{root / path}: only the line ends differ; `make render` writes them as LF"]
    return diff


def index(stacks: Sequence[RenderedStack]) -> str:
    """Return `README.md` of the folder: each environment's stacks in deploy order, and the commands to deploy them."""
    lines = [
        "# Rendered templates",
        "",
        "Generated by `make render`; do not edit. `sha256sum -c SHA256SUMS` checks that no file was changed.",
        "",
        "Each table lists the stacks in deploy order. The commands below a table need only the AWS CLI.",
        "",
        "- The commands pass no parameters, because stacks read the values of other stacks from Parameter Store.",
        "- `--role-arn` is the role that the pipeline uses for the same stack.",
        "- `--tags` sets the tags by which `make deploy` recognizes its stacks.",
    ]
    by_environment: dict[str, list[RenderedStack]] = {}
    for stack in stacks:
        by_environment.setdefault(stack.environment.qualified, []).append(stack)
    for own in by_environment.values():
        lines += ["", *_environment_section(own)]
    return "\n".join(lines) + "\n"


def _environment_section(stacks: Sequence[RenderedStack]) -> Iterable[str]:
    facts = stacks[0].facts
    yield f"## {facts.qualified_environment}"
    yield ""
    yield f"Account {facts.account} in {facts.region}, {facts.protection}."
    yield ""
    yield "| stack | file | purpose |"
    yield "|---|---|---|"
    for stack in stacks:
        yield f"| `{stack.name}` | [{stack.path}]({stack.path}) | {stack.layer.description} |"
    yield ""
    yield "```sh"
    for stack in stacks:
        # One text for each stack takes less memory than one for each line.
        yield "\n".join(_deploy_command(stack))
    yield "```"


def _deploy_command(stack: RenderedStack) -> Iterator[str]:
    facts = stack.facts
    yield f"aws cloudformation deploy --region {facts.region} --stack-name {stack.name} \\"
    yield f"  --template-file {stack.path} --capabilities CAPABILITY_NAMED_IAM --no-fail-on-empty-changeset \\"
    if stack.size > TEMPLATE_BODY_BYTES:
        yield f'  --s3-bucket "{parameter_value(f"{facts.parameter_root}storage/UploadsBucketName")}" \\'
    if facts.deployed_as:
        yield f'  --role-arn "{parameter_value(facts.deployed_as)}" \\'
    yield "  --tags " + shlex.join(f"{key}={value}" for key, value in facts.stack_tags.items())


def _other_paths(files: Mapping[str, str], root: Path) -> set[str]:
    """Return the relative paths of files and links below `root` that are not in `files`.

    A link is left out if `files` contains files below the path of the link.
    """
    expected_folders = {path.rpartition("/")[0] for path in files}
    parents = {parent for each in expected_folders for parent in (each, *map(str, PurePosixPath(each).parents))}
    present: set[str] = set()
    for folder, folders, names in os.walk(root):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        at = "" if folder == str(root) else f"{PurePath(folder).relative_to(root).as_posix()}/"
        present.update(f"{at}{name}" for name in (*names, *links))
    return present - files.keys() - parents


def _listed_in_sums(root: Path) -> set[str]:
    return set(parse_checksums(_text(root / CHECKSUMS) or ""))


def _text(path: Path) -> str | None:
    try:
        refuse_special(path)
        # Line ends are not translated, because the checksums depend on the exact bytes.
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise CicdError(f"{path}: cannot be read: {error}") from None
