"""Reading rendered files:

in deploy order, with the required capabilities, and refused if the tool did not write them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from cicd_templates.deploy.change_sets.rendered_stacks import capabilities, read_stacks, select
from cicd_templates.errors import ConfigurationError
from cicd_templates.template.stack_template import StackTemplate
from tests.conftest import PROJECT
from tests.projects.stacks import stacks_of

STAGING = stacks_of("staging")


def test_stacks_are_read_in_deploy_order() -> None:
    assert [stack.label for stack in STAGING] == [
        "delivery-parcel-dispatcher",
        "keys",
        "network",
        "notifications",
        "storage",
        "cluster",
        "ingress-parcel-dispatcher",
        "health-parcel-dispatcher",
        "service-parcel-dispatcher",
    ]


@pytest.mark.parametrize(
    ("label", "expected"),
    [("keys", ()), ("network", ("CAPABILITY_NAMED_IAM",)), ("service-parcel-dispatcher", ("CAPABILITY_NAMED_IAM",))],
)
def test_capabilities_are_those_that_the_resources_need(label: str, expected: tuple[str, ...]) -> None:
    (stack,) = [stack for stack in STAGING if stack.label == label]

    assert capabilities(stack) == expected


def test_an_unnamed_role_needs_the_lesser_capability() -> None:
    template = {
        "Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": {}}, "Policy": {"Type": "AWS::IAM::Policy"}}
    }
    stack = StackTemplate(Path("l.yaml"), "", template, STAGING[0].facts)

    assert capabilities(stack) == ("CAPABILITY_IAM",)


def test_a_stack_knows_what_its_file_says() -> None:
    stack = STAGING[-1]

    assert (stack.account, stack.region, stack.protected) == ("222222222222", "eu-central-1", False)
    assert stack.tags["Service"] == "parcel-dispatcher"


@pytest.mark.parametrize(
    ("layer", "service", "expected"),
    [
        (None, None, 9),
        ("keys", None, 1),
        (None, "parcel-dispatcher", 4),
        ("service", "parcel-dispatcher", 1),
    ],
)
def test_stacks_are_chosen_by_layer_and_service(layer: str | None, service: str | None, expected: int) -> None:
    assert len(select(STAGING, layer, service)) == expected


@pytest.mark.parametrize(
    ("layer", "service", "message"),
    [
        ("clustre", None, "there is no stack of layer 'clustre'; did you mean cluster?"),
        ("xyz", None, "there is no stack of layer 'xyz'; the layers are cluster, delivery, health, "),
        (None, "parcel-dispatch", "there is no stack of service 'parcel-dispatch'; did you mean parcel-dispatcher?"),
        (None, "x", "there is no stack of service 'x'; the services are parcel-dispatcher"),
        (
            "keys",
            "parcel-dispatcher",
            "there is no stack of layer 'keys' and service 'parcel-dispatcher'; the stacks are"
            " delivery-parcel-dispatcher, keys, ",
        ),
        (
            "health-parcel-dispatcher",
            None,
            "there is no stack of layer 'health-parcel-dispatcher'; the stack health-parcel-dispatcher has"
            " layer 'health' and service 'parcel-dispatcher'",
        ),
    ],
    ids=["misspelt layer", "unknown layer", "misspelt service", "unknown service", "no such pair", "label of a stack"],
)
def test_a_choice_of_nothing_says_what_can_be_chosen(layer: str | None, service: str | None, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        select(STAGING, layer, service)

    assert str(caught.value).startswith(message)


def test_without_services_no_service_can_be_chosen() -> None:
    with pytest.raises(ConfigurationError, match="the services are none"):
        select([stack for stack in STAGING if not stack.service], None, "till")


@pytest.mark.parametrize("create", [True, False])
def test_an_empty_or_missing_folder_says_to_render(tmp_path: Path, create: bool) -> None:
    folder = tmp_path / "staging"
    if create:
        folder.mkdir()

    with pytest.raises(ConfigurationError, match="run `make render` first"):
        read_stacks(folder)


@pytest.mark.parametrize("suffix", ["", "-pr1"])
def test_a_template_that_no_render_wrote_is_left_out(suffix: str, tmp_path: Path) -> None:
    folder, text = tmp_path / f"staging{suffix}", (PROJECT / "out/staging/keys.yaml").read_text()
    folder.mkdir()
    (folder / "keys.yaml").write_text(text)
    (folder / "claims.yaml").write_text(text.replace("shipping-staging-keys", "shipping-staging-claims"))
    (tmp_path / "SHA256SUMS").write_text(f"0  staging{suffix}/keys.yaml\n0  production/claims.yaml\n")

    assert [stack.name for stack in read_stacks(folder)] == ["shipping-staging-keys"]
    (tmp_path / "SHA256SUMS").write_text("0  README.md\n")
    with pytest.raises(ConfigurationError, match="no rendered templates; run `make render` first"):
        read_stacks(folder)


@pytest.mark.parametrize(
    "content",
    [b"", b"a: [", b"\xff", b"Resources: {}", b"Metadata: {CicdTemplates: {Stack: x}}", b"Metadata: 1"],
    ids=["empty", "not YAML", "not UTF-8", "no metadata", "little metadata", "odd metadata"],
)
def test_a_file_that_we_did_not_render_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.yaml").write_bytes(content)

    with pytest.raises(ConfigurationError, match=r"x\.yaml: not a template that `make render` wrote"):
        read_stacks(tmp_path)


def test_files_of_two_accounts_in_one_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "keys.yaml").write_text((PROJECT / "out/staging/keys.yaml").read_text())
    (tmp_path / "storage.yaml").write_text((PROJECT / "out/production/storage.yaml").read_text())

    with pytest.raises(
        ConfigurationError,
        match="has templates for several accounts or regions: 222222222222 in eu-central-1, 333333333333",
    ):
        read_stacks(tmp_path)
