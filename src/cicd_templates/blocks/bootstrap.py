"""What a service runs before its first release: a public image with a command of ours.

Otherwise the service's stack would hang until the pipeline has built the first image.
"""

from __future__ import annotations

from cicd_templates.config.environment import Service

# Runs without root, writes nothing, listens on the service's port and answers the health check and the hooks.
_SERVER = """\
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class NotReleasedYet(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response({answers!r}.get(self.path, 503))
        self.end_headers()
        self.wfile.write(b"No release has been deployed yet.")

ThreadingHTTPServer(("", {port}), NotReleasedYet).serve_forever()
"""


def command(service: Service) -> list[str]:
    """Return the container's command while it runs the bootstrap image, whose interpreter is `python3`."""
    settings = service.settings
    answers = {settings.health_check.path: 200, **settings.probes}
    return ["python3", "-c", _SERVER.format(answers=answers, port=settings.port)]
