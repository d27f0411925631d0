"""`python -m settlement`: the web service if the task has a port, otherwise the worker."""

from __future__ import annotations

import os

from settlement import web, worker

if "PORT" in os.environ:
    web.main()
else:
    worker.main()
