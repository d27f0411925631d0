"""The application as a process, where a smoke test expects a deployed one."""

from __future__ import annotations

import contextlib
import io
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

from cicd_templates.deploy.releases.archives import Archive
from cicd_templates.rehearsal.application_server import application_starter
from cicd_templates.rehearsal.build_tools import BuildTools
from cicd_templates.rehearsal.pipeline_run import ActionFailedError

TOOLS = BuildTools(Path(sys.prefix))


def archive(**files: str) -> Archive:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as target:
        target.writestr("index.html", "served")
        for name, text in files.items():
            target.writestr(f"rehearsal/{name}", text)
    return Archive(data.getvalue(), "r", "a")


def test_an_application_is_started_once_and_ends_with_the_rehearsal(tmp_path: Path) -> None:
    with contextlib.ExitStack() as until:
        serve = application_starter(
            archive(serve="exec python3 -m http.server --bind $HOST $PORT\n"), tmp_path, TOOLS, until
        )
        url = serve()
        assert serve() == url
        with urllib.request.urlopen(f"{url}/index.html") as answer:  # noqa: S310 - on the loopback address
            assert answer.read() == b"served"

    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(url)  # noqa: S310 - on the loopback address


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            None,
            "add the script rehearsal/serve to the source to start the application on $HOST and $PORT",
        ),
        ("echo broken\nexit 3\n", "rehearsal/serve does not listen on 127.0.0.1:"),
    ],
)
def test_an_application_that_does_not_start_says_why(tmp_path: Path, script: str | None, expected: str) -> None:
    files = {} if script is None else {"serve": script}

    with contextlib.ExitStack() as until, pytest.raises(ActionFailedError) as caught:
        application_starter(archive(**files), tmp_path, TOOLS, until)()
    assert expected in str(caught.value)
    assert caught.value.log == ("" if script is None else "broken\n")
