"""Loads botocore's service models, each only once per process and fast. All sessions share the loaded models."""

from __future__ import annotations

import gzip
import json
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from botocore.exceptions import DataNotFoundError
from botocore.loaders import JSONFileLoader, Loader


@cache
def service_models() -> Loader:
    """Return the botocore loader for all sessions. It reads each service model once.

    Register the loader in a session under the name `data_loader`.
    """
    return ServiceModels(file_loader=PlainModels())


class PlainModels(JSONFileLoader):
    """Reads models as plain dicts. botocore reads them as `OrderedDict`, which takes three to five times as long."""

    def load_file(self, file_path: str) -> Any:
        """Return the content of a model file, or None if the file does not exist.

        `file_path` is the path without the extension: this method adds `.json` or `.json.gz`.
        """
        for extension, read in ((".json", Path.read_bytes), (".json.gz", _unzipped)):
            path = Path(f"{file_path}{extension}")
            if path.is_file():
                return json.loads(read(path))
        return None


def _unzipped(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


class ServiceModels(Loader):
    """The models of all services. Looks only into the folders of the services that are used.

    To find out whether one service exists, botocore looks into the folders of all 400 services, for each type of model.
    """

    def list_available_services(self, type_name: str) -> Any:
        """Return the names of the services that have a model of this type."""
        return _Services(self, type_name)


class _Services(Collection[str]):
    """The names of the services that have a model of type `type_name`. Lists them only if somebody iterates."""

    def __init__(self, models: Loader, type_name: str) -> None:
        self._models, self._type_name = models, type_name

    def __contains__(self, service: object) -> bool:
        try:
            return bool(self._models.list_api_versions(str(service), self._type_name))
        except DataNotFoundError:
            return False

    def __iter__(self) -> Iterator[str]:
        return iter(self._listed())

    def __len__(self) -> int:
        return len(self._listed())

    def _listed(self) -> list[str]:
        return Loader.list_available_services(self._models, self._type_name)
