"""The entry point of `python -m cicd_templates VERB`."""

import atexit
import gc
import signal
import sys

if __name__ == "__main__":
    # During the imports, Ctrl-C ends the process without a traceback. Afterwards, click handles it.
    handler = signal.signal(signal.SIGINT, signal.SIG_DFL)

from cicd_templates.cli import main, terminal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, handler)
    sys.excepthook = terminal.show_crash
    if sys.argv[1:2] == ["render"]:
        # Garbage collection would take a third of the time, and the last collection at exit another tenth. Rendering
        # makes few cycles, and then the process ends. Only an entry point may switch collection off.
        gc.disable()
        atexit.register(gc.freeze)
    main()
