"""Serves HTTP requests on `$PORT`: `python -m payment_processor`.

On SIGTERM, the service completes the requests in progress. ECS stops it after thirty seconds:
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
"""

from __future__ import annotations

import os
import signal
import sys

from waitress.server import create_server

from payment_processor.app import application

THREADS = 8


def main() -> None:
    """Serve until SIGTERM. Then complete the requests in progress and return."""
    server = create_server(application, host="0.0.0.0", port=int(os.environ["PORT"]), threads=THREADS)  # noqa: S104
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    # When `run` gets SystemExit, it waits for its threads and returns.
    server.run()


if __name__ == "__main__":
    main()
