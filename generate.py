"""Renders the CloudFormation templates of every environment into `out/`.

With `--check`, compares them with the files in `out/` and writes nothing.
"""

import atexit
import gc

if __name__ == "__main__":
    # A short life in which nearly everything made is kept: looking for garbage would find none.
    gc.disable()
    atexit.register(gc.freeze)

from cicd_templates.cli import render

if __name__ == "__main__":
    render()
