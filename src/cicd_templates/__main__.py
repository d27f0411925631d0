"""`python -m cicd_templates VERB`."""

import atexit
import gc
import sys

from cicd_templates.cli import main, terminal

if __name__ == "__main__":
    sys.excepthook = terminal.show_crash
    if sys.argv[1:2] == ["render"]:
        # Rendering makes many objects and few cycles, and then the process ends: collecting would take a third of its
        # time, and looking through them once more at exit another tenth. Only an entry point may decide that.
        gc.disable()
        atexit.register(gc.freeze)
    main()
