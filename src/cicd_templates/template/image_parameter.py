"""Names the template parameter with the image of a service's own container. Each release sets it."""

from __future__ import annotations

IMAGE_PARAMETER = "ImageUri"
