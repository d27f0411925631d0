"""The commands `local` and `local-stop`, which start and stop the local AWS."""

from __future__ import annotations

from cicd_templates.cli import terminal
from cicd_templates.cli.command import verb


@verb("local")
def local() -> None:
    """Start the local AWS. Afterwards, commands with --local (LOCAL=1 with make) use it."""
    from cicd_templates.local import engine_process, engine_state_file, sigterm

    running = engine_state_file.recall()
    if running is not None:
        terminal.show(f"the local AWS is running already at {running.url} (process {running.pid})")
        return
    with sigterm.interrupting():
        started = engine_process.start()
    engine_state_file.remember(started)
    terminal.show(f"the local AWS is running at {started.url} (process {started.pid}); stop it with `make local-stop`")


@verb("local-stop")
def local_stop() -> None:
    """Stop the local AWS."""
    from cicd_templates.local import engine_process, engine_state_file

    running = engine_state_file.recall()
    engine_state_file.forget()
    if running is None:
        terminal.show("no local AWS is running")
        return
    engine_process.stop(running)
    terminal.show(f"stopped the local AWS (process {running.pid})")
