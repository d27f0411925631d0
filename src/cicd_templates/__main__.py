"""`python -m cicd_templates VERB`."""

import atexit
import gc
import sys

from cicd_templates.cli import main, terminal

if __name__ == "__main__":
    sys.excepthook = terminal.show_crash
    if sys.argv[1:2] == ["render"]:
        # Garbage collection would take a third of the time, and the last collection at exit another tenth. Rendering
        # makes few cycles, and then the process ends. Only an entry point may switch collection off.
        gc.disable()
        atexit.register(gc.freeze)
    main()
