"""Renders the CloudFormation templates of every environment into `out/`.

With `--check`, compares them with the files in `out/` and writes nothing.
"""

import atexit
import gc

if __name__ == "__main__":
    # This process is short and keeps nearly every object, so garbage collection would only cost time.
    gc.disable()
    atexit.register(gc.freeze)

from cicd_templates.cli.verbs.render import render

if __name__ == "__main__":
    render()
