"""The loader of service models finds the same models as botocore's own, but reads no others."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest
from botocore.exceptions import DataNotFoundError, UnknownServiceError
from botocore.loaders import Loader

from cicd_templates.deploy.aws.service_models import PlainModels, ServiceModels, service_models


@pytest.fixture
def models(tmp_path: Path) -> ServiceModels:
    """A loader of two services: `mail` has two versions of its model, and `queue` has no paginators."""
    for path in ("mail/2024-01-01/service-2", "mail/2025-01-01/service-2", "queue/2012-11-05/service-2"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / f"{path}.json").write_text(json.dumps({"metadata": {"endpointPrefix": path}}))
    (tmp_path / "mail/2025-01-01/paginators-1.json.gz").write_bytes(gzip.compress(b'{"pagination": {}}'))
    return ServiceModels([str(tmp_path)], PlainModels(), include_default_search_paths=False)


def test_all_sessions_share_one_loader() -> None:
    assert service_models() is service_models()
    assert isinstance(service_models(), ServiceModels)


def test_the_newest_model_is_loaded_as_a_plain_dict(models: ServiceModels) -> None:
    model = models.load_service_model("mail", "service-2")

    assert (type(model), model) == (dict, {"metadata": {"endpointPrefix": "mail/2025-01-01/service-2"}})


def test_a_compressed_model_is_loaded(models: ServiceModels) -> None:
    assert models.load_service_model("mail", "paginators-1") == {"pagination": {}}


def test_only_the_folder_of_the_used_service_is_read(models: ServiceModels, monkeypatch: pytest.MonkeyPatch) -> None:
    real, listed = os.listdir, list[str]()

    def listing(folder: str) -> list[str]:
        listed.append(Path(folder).name)
        return real(folder)

    monkeypatch.setattr(os, "listdir", listing)
    models.load_service_model("mail", "service-2")

    assert set(listed) == {"mail"}


@pytest.mark.parametrize(
    ("service", "type_name", "known"),
    [
        pytest.param("telegraph", "service-2", "mail, queue", id="no such service"),
        pytest.param("queue", "paginators-1", "mail", id="no such model of the service"),
    ],
)
def test_the_error_about_an_unknown_model_lists_the_known_services(
    models: ServiceModels, service: str, type_name: str, known: str
) -> None:
    with pytest.raises(UnknownServiceError, match=f"'{service}'.*Valid service names are: {known}"):
        models.load_service_model(service, type_name)


def test_a_file_that_does_not_exist_is_no_model(models: ServiceModels) -> None:
    with pytest.raises(DataNotFoundError):
        models.load_data("mail/2025-01-01/waiters-2")


@pytest.mark.parametrize("type_name", ["service-2", "paginators-1"])
def test_the_services_are_those_that_botocore_lists(type_name: str) -> None:
    ours, theirs = ServiceModels().list_available_services(type_name), Loader().list_available_services(type_name)

    assert (list(ours), len(ours)) == (theirs, len(theirs))
    assert all(service in ours for service in ("cloudformation", "ssm", "sts"))
