"""Changes of services: only a few stacks are rendered, and the files are those of a render from nothing."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.config.environment import Configuration, Environment
from cicd_templates.layer.definition import Layer
from cicd_templates.layer.template import LayerTemplate
from cicd_templates.render import out_folder, render, review_pages, service_record
from cicd_templates.render.service_record import ServiceRecord, Updated, inputs_of
from templates import LAYERS
from tests.conftest import configured

# All on one worker, because they share what is rendered.
pytestmark = pytest.mark.xdist_group("record of services")
# A path in the configuration and a value, which are given to `configured`.
Edit = tuple[str, Any]
CHECKS = {"bandit": {"preset": "bandit"}}
SERVICES = {f"till-{number}": {"path_pattern": f"/till-{number}/*", "checks": CHECKS} for number in range(3)}
BASE: tuple[Edit, ...] = (("services", SERVICES), ("environments/production/services", {}))


def rendered(
    configuration: Configuration, layers: Sequence[Layer]
) -> tuple[list[render.RenderedStack], list[str], Mapping[str, str]]:
    parts: list[str] = []
    stacks = render.render(configuration, layers, "yaml")
    return stacks, parts, out_folder.files_of(stacks, Path(), sources="s", parts=parts)


@cache
def rendered_base() -> tuple[list[render.RenderedStack], list[str], Mapping[str, str]]:
    return rendered(configured(*copy.deepcopy(BASE)), LAYERS)


class Project:
    """A project in a folder, whose configuration has `edits`."""

    def __init__(self, folder: Path, *edits: Edit) -> None:
        self.folder, self.record_path = folder / "out", folder / ".state/record.jsonl"
        self.code, self.layers = "code", list(LAYERS)
        self.edits = [*BASE, *edits]
        self.certain = True

    @property
    def configuration(self) -> Configuration:
        return configured(*copy.deepcopy(self.edits))

    @property
    def record(self) -> ServiceRecord:
        return ServiceRecord(inputs_of(self.code, self.configuration, self.layers), self.folder, self.record_path)

    def render_all(self) -> None:
        is_base = (self.edits, self.layers) == ([*BASE], [*LAYERS])
        stacks, parts, files = rendered_base() if is_base else rendered(self.configuration, self.layers)
        out_folder.write_files(files, self.folder)
        self.record.remember(stacks, parts)

    def update(self) -> Updated | None:
        return self.record.update(self.configuration, self.layers, "yaml", "s", lambda: self.certain)

    def from_nothing(self) -> dict[str, str]:
        return dict(rendered(self.configuration, self.layers)[2])

    def contents(self) -> dict[str, str]:
        paths = (path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.read_text() for path in paths}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.render_all()
    return project


@pytest.fixture(autouse=True, scope="module")
def small_groups() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(review_pages, "SERVICES_PER_GROUP", 2)
        yield


@pytest.mark.no_cover
def test_only_services_that_share_a_group_with_a_changed_one_are_rendered(project: Project) -> None:
    project.edits.append(("services/till-2/cpu", 1024))
    project.edits.append(("services/till-2/memory", 2048))
    updated = project.update()

    assert updated is not None
    # The group of till-2 has no other service; there are 13 stacks of no service.
    assert updated.rendered == updated.stacks - 2 * 16
    assert updated.written.written == (
        "SHA256SUMS",
        "production/REVIEW.md",
        "production/service-till-2.yaml",
        "staging/REVIEW.md",
        "staging/service-till-2.yaml",
    )
    assert updated.written.unchanged == len(project.contents()) - 5
    assert project.contents() == project.from_nothing()
    assert project.record_path.stat().st_mode & 0o777 == 0o600

    # The record is that of the new files.
    project.edits.append(("environments/staging/services/till-2", {"environment": {"GREETING": "hello"}}))
    again = project.update()
    assert again is not None
    assert again.written.written == ("DIFFERENCES.md", "SHA256SUMS", "staging/service-till-2.yaml")
    assert project.contents() == project.from_nothing()


@pytest.mark.no_cover
def test_a_stack_that_only_one_environment_has_is_compared_again(tmp_path: Path) -> None:
    own = {"secrets": {"TOKEN": "token"}, "environment": {"GREETING": "hello"}}
    project = Project(tmp_path, ("environments/production/services", {"till-0": own}))
    project.render_all()
    project.edits.append(("environments/production/services/till-0/environment/GREETING", "good evening"))

    assert project.update() is not None
    assert project.contents() == project.from_nothing()


def change_code(project: Project) -> None:
    project.code = "other"


def forget_the_code(project: Project) -> None:
    project.code = ""


def change_inputs_meanwhile(project: Project) -> None:
    project.certain = False


def edit(path: str, value: Any) -> Callable[[Project], None]:
    return lambda project: project.edits.append((path, value))


@pytest.mark.parametrize(
    "change",
    [
        change_code,
        forget_the_code,
        change_inputs_meanwhile,
        edit("environments/staging/log_retention_days", 7),
        edit("services/till-9", {"path_pattern": "/till-9/*", "checks": CHECKS}),
        edit("services/till-1", ...),
        edit("services", dict(reversed(SERVICES.items()))),
        edit("services/till-1/checks/safety", {"preset": "safety"}),
        edit("services/till-1/secrets", {"TOKEN": "token"}),
    ],
    ids=[
        "other code",
        "unreadable code",
        "inputs changed meanwhile",
        "an environment",
        "a new service",
        "a removed service",
        "another order",
        "a name",
        "a published value",
    ],
)
def test_everything_is_rendered_after_any_other_change(project: Project, change: Callable[[Project], None]) -> None:
    before = project.contents()
    change(project)

    assert project.update() is None
    assert project.contents() == before


@pytest.mark.no_cover
def test_everything_is_rendered_if_a_change_of_a_service_adds_a_layer_for_all(tmp_path: Path) -> None:
    def has_large_services(env: Environment) -> bool:
        return any(service.settings.cpu >= 1024 for service in env.services)

    project = Project(tmp_path)
    # The stack of the changed service is the only one that the layer would not have.
    project.layers.append(
        Layer(
            "own",
            build_per_service=lambda env, service: LayerTemplate(env, service),
            where=has_large_services,
            needed=lambda service: service.settings.cpu < 1024,
        )
    )
    project.render_all()
    project.edits += [("services/till-2/cpu", 1024), ("services/till-2/memory", 2048)]

    assert project.update() is None
    assert "staging/own-till-0.yaml" in project.from_nothing()


def edit_in_place(path: Path) -> None:
    status, text = path.stat(), path.read_text()
    path.write_text(text.replace("till-0", "till-1", 1))
    # An archive or a copy can set these times, but not that of the last change.
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def make_a_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


@pytest.mark.parametrize(
    "change",
    [
        edit_in_place,
        make_a_link,
        Path.unlink,
        lambda path: path.with_name("stray").touch(),
    ],
    ids=["edit", "link", "missing", "stray"],
)
def test_everything_is_rendered_after_a_change_in_the_folder(project: Project, change: Callable[[Path], None]) -> None:
    change(project.folder / "staging/service-till-0.yaml")
    project.edits.append(("services/till-2/port", 9090))

    assert project.update() is None


def lines_of(project: Project) -> list[str]:
    return project.record_path.read_text().splitlines()[:-1]


def with_lines(project: Project, lines: Sequence[str]) -> None:
    """Write a record with the digest of its lines."""
    text = "".join(f"{line}\n" for line in lines)
    project.record_path.write_text(f"{text}{hashlib.sha256(text.encode()).hexdigest()}\n")


@pytest.mark.no_cover
def test_an_unchanged_record_is_used(project: Project) -> None:
    project.edits.append(("services/till-2/port", 9090))
    with_lines(project, lines_of(project))

    assert project.update() is not None


@pytest.mark.parametrize(
    "lines",
    [
        lambda lines: ["", *lines[1:]],
        lambda lines: ["[]", *lines[1:]],
        lambda lines: ['{"code": 1}', *lines[1:]],
        lambda lines: [json.dumps([*json.loads(lines[0])[:2], {"staging/keys.yaml": 1}]), *lines[1:]],
        lambda lines: lines[:1],
        lambda lines: [lines[0], "[]", *lines[2:]],
        lambda lines: [*lines[:2], "{}", *lines[3:]],
        lambda lines: [*lines[:2], '[["staging/other.yaml"], [1, 2]]', *lines[3:]],
        lambda lines: [*lines[:-1], "not JSON"],
        lambda lines: [*lines, "[1, 2, 3, 4, 5]"],
    ],
)
def test_a_record_with_unexpected_content_is_ignored(project: Project, lines: Callable[[list[str]], list[str]]) -> None:
    project.edits.append(("services/till-2/port", 9090))
    with_lines(project, lines(lines_of(project)))

    assert project.update() is None


def test_a_record_with_a_wrong_digest_or_for_others_is_ignored(project: Project) -> None:
    project.edits.append(("services/till-2/port", 9090))
    text = project.record_path.read_text()
    project.record_path.write_text(text.replace("till-1", "till-0", 1))
    assert project.update() is None

    project.record_path.write_text(text)
    project.record_path.chmod(0o644)
    assert project.update() is None

    project.record_path.unlink()
    assert project.update() is None


@pytest.mark.no_cover
def test_many_changed_services_are_rendered_with_all_others(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_record, "MOST_SERVICES", 1)
    project.edits.append(("services/till-0/port", 9090))
    assert project.update() is None

    project.edits[-1] = ("services/till-2/port", 9090)
    assert project.update() is not None


def test_a_folder_with_other_files_is_not_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project(tmp_path)
    project.folder.mkdir()
    (project.folder / "stray").touch()
    project.render_all()
    assert not project.record_path.exists()

    (project.folder / "stray").unlink()
    write = out_folder.write_files

    def write_and_edit(files: Any, root: Path) -> out_folder.Written:
        written = write(files, root)
        (root / "README.md").write_text("edited")
        return written

    monkeypatch.setattr(out_folder, "write_files", write_and_edit)
    project.render_all()
    assert not project.record_path.exists()


def test_nothing_is_recorded_if_the_configuration_provides_outputs(tmp_path: Path) -> None:
    project = Project(tmp_path)
    stacks, _, _ = rendered_base()
    settings = stacks[0].environment.settings.model_copy(update={"provided": {"network.VpcId": "vpc-1"}})
    changed = replace(stacks[0].environment, settings=settings)

    project.record.remember([stacks[0]._replace(environment=changed), *stacks[1:]], [])
    assert not project.record_path.exists()


def test_a_file_that_is_edited_while_it_is_written_is_not_trusted(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = out_folder.write_changed

    def write_and_edit(files: Any, root: Path) -> None:
        write(files, root)
        edit_in_place(root / "SHA256SUMS")

    monkeypatch.setattr(service_record, "write_changed", write_and_edit)
    project.edits.append(("services/till-2/port", 9090))
    before = project.record_path.read_text()

    assert project.update() is not None
    assert project.record_path.read_text() == before
    assert project.update() is None


def test_a_page_of_parts_that_were_written_as_json_is_the_same() -> None:
    stacks, lines, files = rendered_base()
    environments = {stack.environment.qualified: stack.environment for stack in stacks}

    assert review_pages.joined((review_pages.part_of(json.loads(line)) for line in lines), environments) == {
        path: files[path] for path in files if path.endswith(("REVIEW.md", "DIFFERENCES.md"))
    }


def other_keys(project: Project, generator: random.Random) -> None:
    """Change a template, as an edit of its code would."""
    project.code = f"code {generator.random()}"
    number = generator.randrange(100)

    def build(env: Environment) -> LayerTemplate:
        (template,) = LAYERS[0].instances(env)
        template.template.resources["Key"].Description = f"Key {number}"
        return template

    project.layers[0] = LAYERS[0]._replace(build=build)


def edit_a_service(project: Project, generator: random.Random) -> None:
    service = f"services/till-{generator.randrange(3)}"
    environment = generator.choice(["", "environments/staging/", "environments/production/"])
    settings: list[tuple[str, list[Any]]] = [
        ("port", [8080, 9090]),
        ("cpu", [256, 512]),
        ("environment", [{}, {"A": "1"}, {"A": "2", "B": "till-1"}]),
        ("health_check_path", ["/health", "/till-1"]),
        ("secrets", [{}, {"TOKEN": "token"}]),
        ("path_pattern", ["/one/*", "/two/*", "/three/*", "/four/*"]),
    ]
    setting, values = generator.choice(settings)
    project.edits.append((f"{environment}{service}/{setting}", generator.choice(values)))


def edit_an_environment(project: Project, generator: random.Random) -> None:
    name = generator.choice(["tools", "staging", "production"])
    project.edits.append((f"environments/{name}/log_retention_days", generator.choice([365, 731])))


def edit_a_file(project: Project, generator: random.Random) -> None:
    edit_in_place(generator.choice(sorted(path for path in project.folder.rglob("*.*") if path.is_file())))


def edits(seed: int) -> Iterator[Callable[[Project, random.Random], None]]:
    generator = random.Random(seed)  # noqa: S311 - edits are no secret
    others = [other_keys, edit_an_environment, edit_a_file]
    while True:
        yield edit_a_service if generator.random() < 0.7 else generator.choice(others)


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("seed", "count"), [(1, 2), *(pytest.param(seed, 25, marks=pytest.mark.long) for seed in (2, 3))]
)
def test_after_random_edits_the_files_are_those_of_a_render_from_nothing(
    project: Project, seed: int, count: int
) -> None:
    generator = random.Random(seed)  # noqa: S311 - edits are no secret
    updates = 0
    for change, _ in zip(edits(seed), range(count), strict=False):
        before = [*project.edits]
        change(project, generator)
        try:
            project.configuration  # noqa: B018 - two services can have the same path
        except Exception:
            project.edits = before
        if project.update() is None:
            project.render_all()
        else:
            updates += 1
        assert project.contents() == project.from_nothing()
    assert updates
