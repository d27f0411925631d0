"""Renders every layer for every environment into out/; `--check` compares instead of writing."""

import atexit
import gc

if __name__ == "__main__":
    # A short life in which nearly everything made is kept: looking for garbage would find none.
    gc.disable()
    atexit.register(gc.freeze)

from cicd_templates.cli import render

if __name__ == "__main__":
    render()
