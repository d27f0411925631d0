"""The command `demo`, which deploys and destroys all environments on a local AWS that it starts for itself."""

from __future__ import annotations

from cicd_templates.cli.command import verb


@verb("demo")
def demo() -> None:
    """Render, lint, deploy and destroy all environments on a local AWS that the command starts and stops."""
    from cicd_templates.cli.demo_steps import run

    run()
