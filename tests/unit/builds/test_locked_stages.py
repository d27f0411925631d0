"""The stages of a Dockerfile that install only locked packages. The installers' package lists there can be trusted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.builds.test_dockerfile_network import APT, BASE, DOWNLOAD, PIP, built, run_script


def locked(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the Dockerfile with the locked stages, and the names of those that run a command, as its last line."""
    answer = built(text, folder, monkeypatch)
    assert "can install or download" not in answer, answer
    (folder / "closed").write_text(capsys.readouterr().out.splitlines()[-1])
    paths = [str(folder / name) for name in ("built", "instructions", "closed", "locked")]
    run_script("locked_stages", paths, monkeypatch)
    return [*(folder / "locked").read_text().splitlines(), " ".join(capsys.readouterr().out.split())]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            f"FROM {BASE}\nCOPY requirements.txt /app/\n# x\nRUN {PIP}\nCOPY . .\nRUN make\nUSER 1\n",
            [f"FROM {BASE} AS stage-0", "COPY requirements.txt /app/", "# x", f"RUN {PIP}", "stage-0"],
            id="one stage",
        ),
        pytest.param(
            f"ARG A=1\nFROM {BASE} AS Built\nRUN {PIP}\nCOPY app.py .\nFROM built\nRUN make\n",
            ["ARG A=1", f"FROM {BASE} AS Built", f"RUN {PIP}", "FROM built AS stage-1", "Built"],
            id="a stage on another",
        ),
        pytest.param(
            f"FROM {BASE} AS a\nRUN {APT} \\\n  -q\nFROM \\\n {BASE}\nCOPY --from=0 /a /a\nRUN {DOWNLOAD}\nRUN x\n",
            [f"FROM {BASE} AS a", f"RUN {APT} \\", "  -q", f"FROM {BASE} AS stage-1", "COPY --from=0 /a /a",
             f"RUN {DOWNLOAD}", "a stage-1"],
            id="commands of several lines, and a download",
        ),
        pytest.param(
            f"FROM {BASE} AS stage-1\nFROM --platform=linux/amd64 {BASE}\nRUN make\n",
            [f"FROM {BASE} AS stage-1", f"FROM --platform=linux/amd64 {BASE} AS stage-1x", ""],
            id="nothing that a lock names",
        ),
        pytest.param(
            f"FROM {BASE}\nRUN {PIP}\nRUN \\\n  --network=none forge\n",
            [f"FROM {BASE} AS stage-0", f"RUN {PIP}", "stage-0"],
            id="a command without a network, in two lines",
        ),
        pytest.param(f"FROM {BASE}\nCOPY . .", [f"FROM {BASE} AS stage-0", ""], id="a file without an end of its line"),
    ],
)  # fmt: skip
def test_a_stage_ends_where_it_loses_its_network(
    text: str, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert locked(text, tmp_path, monkeypatch, capsys) == expected
