"""`python -m cicd_templates` and `generate.py`, run as scripts inside this process."""

from __future__ import annotations

import runpy

import pytest

from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("run", "argv"),
    [
        (lambda: runpy.run_module("cicd_templates", run_name="__main__"), ["cicd_templates", "render", "--check"]),
        (lambda: runpy.run_path(str(ROOT / "generate.py"), run_name="__main__"), ["generate.py", "--check"]),
    ],
    ids=["module", "generate.py"],
)
def test_both_ways_in_run_the_same_command(
    run: object, argv: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", argv)
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as left:
        run()  # type: ignore[operator] # a function of the table

    assert left.value.code == 0
    assert capsys.readouterr().out == f"out/ is up to date: {len(list((ROOT / 'out').glob('*/*.yaml')))} stacks\n"


def test_imported_they_do_nothing() -> None:
    assert runpy.run_path(str(ROOT / "generate.py"))["render"]
    assert runpy.run_module("cicd_templates.__main__")["main"]
