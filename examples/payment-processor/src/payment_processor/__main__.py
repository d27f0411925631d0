"""`python -m payment_processor`: serves on `$PORT`, and ends by finishing what it has begun.

ECS sends SIGTERM and gives thirty seconds: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
"""

from __future__ import annotations

import os
import signal
import sys

from waitress.server import create_server

from payment_processor.app import application

THREADS = 8


def main() -> None:
    """Serve until SIGTERM; the server then ends its threads, each after its request."""
    server = create_server(application, host="0.0.0.0", port=int(os.environ["PORT"]), threads=THREADS)  # noqa: S104
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    # What raises SystemExit ends here, once waitress has let its threads finish.
    server.run()


if __name__ == "__main__":
    main()
