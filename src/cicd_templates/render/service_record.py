"""If only the settings of a few services have changed since the last `make render`, renders only some stacks again.

These stacks are rendered again:

- the stacks of the changed services
- the stacks of services that share parts of the review pages with a changed service
- the stacks that belong to no service

After any other change, everything is rendered again. Examples are changes of the code, of a setting outside the
services, of a file in `out/`, and of a name or a value that other stacks read.

A record in `.state/` has the digests of all inputs of the last run, the ctimes of the files in `out/`, and the parts of
the review pages. A file in `out/` counts as unchanged if it still has the recorded ctime. Only the operating system
sets the ctime of a file, so no commit, archive or copy can forge a record. A record that other users can access is
ignored.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from cicd_templates.config.environment import Configuration, Service
from cicd_templates.files.paths import CHECKSUMS, STATE
from cicd_templates.files.private_files import write_lines_privately
from cicd_templates.layer.definition import Layer
from cicd_templates.layer.user_layers import explained_user_errors
from cicd_templates.render.last_render import open_trusted
from cicd_templates.render.layer_rendering import render_layers
from cicd_templates.render.out_folder import INDEX, Written, workflows, write_changed
from cicd_templates.render.render import RenderedStack
from cicd_templates.render.review_pages import (
    DifferencesPart,
    NewPart,
    Part,
    RecordedReview,
    ReviewPart,
    joined,
    part_of,
    service_groups,
)
from cicd_templates.render.template_store import TemplateStore
from cicd_templates.render.template_text import Format
from cicd_templates.review.differences_page import Comparison
from cicd_templates.review.environment_page import Review
from cicd_templates.review.formatting import Formatter
from cicd_templates.review.name_index import NameIndex
from cicd_templates.review.reviewed_stacks import ReviewedStack
from cicd_templates.template.checksums import checksums_text, digest_of, digest_of_file, parse_checksums

RECORD = STATE / "rendered-services.jsonl"
LARGEST_RECORD = 1 << 30
# If more services must be rendered, rendering everything in several processes is faster.
MOST_SERVICES = 40
# A file system can give two changes of a file the same time if fewer seconds are between them.
CLOCK_STEP = 0.05
# The time when the system last changed a file, the file's size and its number.
Status = tuple[int, int, int]
# Errors while reading a record that this module has not written.
_UNEXPECTED = (AttributeError, KeyError, TypeError, ValueError)


class Inputs(NamedTuple):
    """The digests of all inputs of a run of `make render`.

    - `code` is the digest of the inputs except the configuration.
    - `shared` is the digest of all settings that do not belong to a service.
    - `services` has a digest for each service, in the order of the configuration. This digest covers the settings of
      the service in all environments.
    """

    code: str
    shared: str
    services: Mapping[str, str]


class Updated(NamedTuple):
    """The result of a run: the written files, how many stacks were rendered, and how many stacks there are."""

    written: Written
    rendered: int
    stacks: int


class _Record(NamedTuple):
    """The record of a complete run.

    - `files` maps the path of each file to its SHA-256 and its status.
    - `stacks` maps the path of each template to two values: its service, and a digest of those parts of the template on
      which other files depend.
    - `names` is the index of the names in all stacks, as JSON.
    - `parts` are the parts of the review pages.
    """

    inputs: Inputs
    files: dict[str, tuple[str, Status]]
    stacks: Mapping[str, tuple[str | None, str]]
    names: str
    parts: Sequence[str]


def inputs_of(code: str, configuration: Configuration, layers: Sequence[Layer]) -> Inputs:
    """Return digests of everything that `make render` reads. `code` is the digest of all except the configuration.

    `Inputs.shared` also covers the names of the layers in each environment, because a service can add a layer.
    """
    services: dict[str, dict[int, tuple[Service, list[str]]]] = {}
    for environment in configuration.environments:
        for service in environment.services:
            # Environments share equal settings of a service, and their text takes long to make.
            _, names = services.setdefault(service.name, {}).setdefault(id(service), (service, []))
            names.append(environment.name)
    with explained_user_errors(layers):
        shared = [
            (environment.for_service(None), [layer.name for layer in layers if layer.exists(environment)])
            for environment in configuration.environments
        ]
    return Inputs(
        code, digest_of(repr(shared)), {name: digest_of(repr([*own.values()])) for name, own in services.items()}
    )


class ServiceRecord:
    """Reads and replaces the record of the last `make render` that wrote into `folder`.

    `inputs` has the digests of the inputs of this run. To find changes, they are compared with the recorded digests.
    """

    def __init__(self, inputs: Inputs, folder: Path, path: Path = RECORD) -> None:
        self._inputs, self._folder, self._path = inputs, folder, path

    def remember(self, stacks: Sequence[RenderedStack], parts: Sequence[str]) -> None:
        """Record a run that has rendered `stacks` into the folder. `parts` are the parts of the review pages.

        Nothing is recorded in these cases:

        - A file in the folder differs from the file that the run rendered.
        - A layer was not rendered, because the configuration itself provides the values that the layer would publish.
        """
        if any(stack.environment.settings.provided for stack in stacks):
            return
        names = NameIndex(())
        for stack in stacks:
            names.extend(stack.names)
        of_stacks = {stack.path: (stack.facts.service, stack.dependencies) for stack in stacks}
        with contextlib.suppress(OSError):
            digests = parse_checksums((self._folder / CHECKSUMS).read_text(encoding="utf-8"))
            digests[CHECKSUMS] = digest_of_file(self._folder / CHECKSUMS)
            statuses = _statuses(self._folder)
            if statuses.keys() == digests.keys() and self._has_written(digests):
                files = {path: (digests[path], status) for path, status in statuses.items()}
                self._write(_Record(self._inputs, files, of_stacks, json.dumps(names.to_plain()), parts))

    def update(
        self,
        configuration: Configuration,
        layers: Sequence[Layer],
        form: Format,
        sources: str,
        is_certain: Callable[[], bool],
    ) -> Updated | None:
        """Render the services that have changed since the recorded run, and write their files and the review pages.

        Return None and write nothing in these cases:

        - It is not enough to render the changed services.
        - After the rendering, `is_certain` returns False, because inputs may have changed during the rendering.

        `sources` is the digest of the sources, which is written to the list of checksums.
        """
        record = _read(self._path)
        services = None if record is None else _services_to_render(record.inputs, self._inputs)
        if record is None or services is None or not self._is_unchanged(record):
            return None
        rendered = _rendered(configuration, layers, form, services)
        before = {path: digest for path, (name, digest) in record.stacks.items() if name is None or name in services}
        if {path: stack.dependencies for path, stack in rendered.items()} != before:
            return None
        lines: list[str] = []
        environments = {environment.qualified: environment for environment in configuration.environments}
        texts = workflows(configuration.environments)
        try:
            texts |= joined(_new_parts(record, rendered, lines), environments)
        except _UNEXPECTED:
            return None
        if record.stacks.keys() | texts.keys() | {INDEX, CHECKSUMS} != record.files.keys() or not is_certain():
            return None
        digests = {path: digest for path, (digest, _) in record.files.items() if path != CHECKSUMS}
        digests |= {path: stack.digest for path, stack in rendered.items()}
        digests |= {path: digest_of(text) for path, text in texts.items()}
        texts |= {path: stack.text for path, stack in rendered.items()}
        texts[CHECKSUMS] = checksums_text(digests, sources)
        digests[CHECKSUMS] = digest_of(texts[CHECKSUMS])
        new = {path: text for path, text in texts.items() if digests[path] != record.files[path][0]}
        write_changed(new, self._folder)
        with contextlib.suppress(OSError):
            files = record.files | {path: (digests[path], _status((self._folder / path).lstat())) for path in new}
            if self._has_written({path: digests[path] for path in new}):
                self._write(record._replace(inputs=self._inputs, files=files, parts=lines))
        written = Written(tuple(sorted(new)), (), (), len(record.files) - len(new))
        return Updated(written, len(rendered), len(record.stacks))

    def _is_unchanged(self, record: _Record) -> bool:
        with contextlib.suppress(OSError):
            return _statuses(self._folder) == {path: status for path, (_, status) in record.files.items()}
        return False

    def _has_written(self, digests: Mapping[str, str]) -> bool:
        """Return whether the contents of the files have the digests in `digests`.

        The caller must read the ctimes of the files first. This function then waits `CLOCK_STEP` seconds, so that a
        later change of a file changes its ctime, too.
        """
        time.sleep(CLOCK_STEP)
        return all(digest_of_file(self._folder / path) == digest for path, digest in digests.items())

    def _write(self, record: _Record) -> None:
        lines = (json.dumps(record[:3]), record.names, *record.parts)
        write_lines_privately(self._path, (*lines, _digest_of_lines(lines)))


def _digest_of_lines(lines: Iterable[str]) -> str:
    """Return the SHA-256 of `lines`. Joining the lines first would take longer than computing the whole digest."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode())
        digest.update(b"\n")
    return digest.hexdigest()


def _read(path: Path) -> _Record | None:
    """Return the record in the file `path`, or None if the file is missing, damaged or accessible to other users."""
    with contextlib.suppress(OSError, *_UNEXPECTED), open_trusted(path, LARGEST_RECORD) as stream:
        facts, names, *parts, digest = (line.decode().removesuffix("\n") for line in stream)
        if _digest_of_lines((facts, names, *parts)) != digest:
            return None
        inputs, files, stacks = json.loads(facts)
        return _Record(
            Inputs(*inputs),
            {path: (sha256, (changed, size, number)) for path, (sha256, (changed, size, number)) in files.items()},
            {path: (service, dependencies) for path, (service, dependencies) in stacks.items()},
            names,
            parts,
        )
    return None


def _services_to_render(before: Inputs, now: Inputs) -> set[str] | None:
    """Return the changed services and the other services of their groups, or None if everything must be rendered.

    The services of a group share parts of the review pages.
    """
    known = (before.code, before.shared, [*before.services])
    if not now.code or known != (now.code, now.shared, [*now.services]):
        return None
    groups = service_groups(now.services)
    changed = {groups[name] for name, digest in now.services.items() if digest != before.services[name]}
    services = {name for name in now.services if groups[name] in changed}
    return services if len(services) <= MOST_SERVICES else None


def _rendered(
    configuration: Configuration, layers: Sequence[Layer], form: Format, services: set[str]
) -> dict[str, RenderedStack]:
    """Return the stacks of `services`, and the stacks that belong to no service, keyed by path."""
    store = TemplateStore()
    return {
        stack.path: RenderedStack(
            *(env, layer, stack.path, stack.facts, stack.digest, stack.size, stack.dependencies, store),
            store.add(stack.template),
        )
        for env, layer, stack in render_layers(configuration.environments, layers, form, store, services=services)
    }


def _new_parts(record: _Record, rendered: Mapping[str, RenderedStack], lines: list[str]) -> Iterator[Part]:
    """Yield the parts of the pages: new parts for the stacks in `rendered`, and recorded parts for all other stacks.

    Each part is added to `lines` as JSON.
    """
    names = NameIndex.from_plain(json.loads(record.names))
    for line in record.parts:
        part = part_of(json.loads(line))
        if rendered.keys().isdisjoint(part.paths):
            lines.append(line)
            yield part
        else:
            new = _new_part(part, [rendered[path] for path in part.paths], names)
            lines.append(json.dumps(new.to_plain()))
            yield new


def _new_part(part: RecordedReview | DifferencesPart, stacks: Iterable[RenderedStack], names: NameIndex) -> NewPart:
    """Make a part of the review pages from `stacks`. It replaces the outdated `part`."""
    templates = [stack.without_text for stack in stacks]
    reviewed = [ReviewedStack(template, Formatter(template, names)) for template in templates]
    if isinstance(part, RecordedReview):
        return ReviewPart(part.paths, Review(reviewed))
    sides = {stack.template.facts.qualified_environment: {part.label: stack} for stack in reviewed}
    old, new = (sides.get(environment, {}) for environment in (part.before, part.after))
    return part._replace(rows=Comparison(part.before, part.after, old, new, part.label).rows())


def _statuses(folder: Path, within: str = "") -> dict[str, Status]:
    """Return the status of each file in a folder, at any depth, keyed by the relative path.

    Raises `OSError` for anything that is neither a folder nor an ordinary file, such as a link.
    """
    statuses: dict[str, Status] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            path = f"{within}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                statuses |= _statuses(Path(entry.path), f"{path}/")
            elif entry.is_file(follow_symlinks=False):
                statuses[path] = _status(entry.stat(follow_symlinks=False))
            else:
                raise OSError(f"{entry.path}: is not an ordinary file")
    return statuses


def _status(status: os.stat_result) -> Status:
    return status.st_ctime_ns, status.st_size, status.st_ino
