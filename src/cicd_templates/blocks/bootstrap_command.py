"""The command of the bootstrap container, which a service runs until its first release.

The bootstrap container uses a public image. Without the bootstrap container, the creation of the service's stack would
hang until the pipeline has built the first image.
"""

from __future__ import annotations

from cicd_templates.config.environment import Service

# The server runs without root and writes no files. It listens on the service's port, and answers the health check and
# the requests of the hooks.
_SERVER = """\
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class NotReleasedYet(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response({answers!r}.get(self.path, 503))
        self.end_headers()
        self.wfile.write(b"No release has been deployed yet.")

ThreadingHTTPServer(("", {port}), NotReleasedYet).serve_forever()
"""

# Waits until ECS stops the task, with SIGTERM.
_WAITING = "import signal; signal.pause()"


def command(service: Service) -> list[str]:
    """Return the command of the bootstrap container. It needs `python3`, which the public image contains."""
    settings = service.settings
    if not settings.is_web:
        return ["python3", "-c", _WAITING]
    answers = {settings.health_check.path: 200, **settings.probes}
    return ["python3", "-c", _SERVER.format(answers=answers, port=settings.port)]
