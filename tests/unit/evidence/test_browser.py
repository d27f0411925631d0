"""The page of a release in a real browser: it fits a screen and a telephone, and its text is readable."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cicd_templates.evidence.derived_files import PAGE
from tests.fakes.signed_evidence import Signer, write_whole_evidence
from tests.unit.deploy.plans.web_page.browser import MISSING, Browser, browser
from tests.unit.deploy.plans.web_page.test_browser import CONTRASTS, LEAST_CONTRAST, OPEN_ALL

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed here: {', '.join(MISSING)} (Debian: chromium-driver)"),
]


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as window:
        yield window


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_everything_fits_and_can_be_read(window: Browser, tmp_path: Path, width: int, scheme: str) -> None:
    window.open(write_whole_evidence(tmp_path / "evidence", Signer()) / PAGE, width, scheme)
    window.run(OPEN_ALL)

    assert window.run("return document.documentElement.scrollWidth;") == width
    contrasts = window.run(CONTRASTS)
    assert len(contrasts) > 60
    assert [text for contrast, text in contrasts if contrast < LEAST_CONTRAST] == []
    assert window.messages() == []
