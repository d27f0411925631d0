"""Serve the application on $PORT."""

from __future__ import annotations

import os
from wsgiref.simple_server import make_server

from shop.app import application

# In a container, the load balancer reaches the application only on an outward address.
HOST = os.environ.get("HOST", "0.0.0.0")  # noqa: S104

if __name__ == "__main__":
    make_server(HOST, int(os.environ["PORT"]), application).serve_forever()
