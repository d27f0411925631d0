"""Renders every layer for every environment into out/; `--check` compares instead of writing."""

import gc

# A short life in which nearly everything made is kept: looking for garbage would find none.
gc.disable()

from cicd_templates.cli import render  # noqa: E402 - importing is half of the work

if __name__ == "__main__":
    render()
