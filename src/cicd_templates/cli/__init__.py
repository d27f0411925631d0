"""The command line: one click command per verb.

Only this package prints results, asks questions and sets exit codes. The group `main` imports a command only when it is
needed. A command imports other modules only while it runs. So `render` does not load boto3 or rich, and `deploy` does
not load the project's `templates/`.
"""

from cicd_templates.cli.command import main

__all__ = ["main"]
