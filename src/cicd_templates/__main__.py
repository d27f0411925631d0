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
    # Most objects come from imports, configuration and service models, and live until the process ends. By default,
    # Python searches all of them for garbage after every 700 new objects, which took a tenth of the time of a plan.
    # Only an entry point may change this setting, because it affects the whole process.
    gc.set_threshold(200_000)
    atexit.register(gc.freeze)
    if sys.argv[1:2] == ["render"]:
        # Garbage collection would take a third of the time of rendering, but would find little garbage.
        gc.disable()
    main()
