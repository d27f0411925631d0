"""The command `docs`, which writes the generated documents. It does not call AWS."""

from __future__ import annotations

from cicd_templates.cli import terminal
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import make_option
from cicd_templates.errors import CicdError
from cicd_templates.files.paths import CONFIGURATION_DOC, EXAMPLE_CONFIGURATION, ROLLOUTS_DOC, RULES_DOC
from cicd_templates.files.project_files import replace_file


@verb("docs", make_option("--check", is_flag=True, help="Compare instead of writing; exit with 1 on a difference."))
def docs(check: bool) -> None:
    """Generate documents from the code of this tool and from the example configuration of its tests."""
    from cicd_templates.acceptance.checks import CHECKS
    from cicd_templates.acceptance.published import FOLDER, contradictions, read_reports
    from cicd_templates.cli.project_layers import tool_layers
    from cicd_templates.config.load import read_configuration
    from cicd_templates.reference.configuration import configuration_reference
    from cicd_templates.reference.documents import generated_documents
    from cicd_templates.reference.lint_rules import rules_reference
    from cicd_templates.reference.rollouts import rollouts_page
    from cicd_templates.render.render import render

    layers = tool_layers()
    stacks = render(read_configuration(EXAMPLE_CONFIGURATION), layers, "yaml")
    generated = generated_documents(sorted((stack.template for stack in stacks), key=lambda stack: stack.path))
    whole = {
        CONFIGURATION_DOC: configuration_reference(),
        ROLLOUTS_DOC: rollouts_page(layers),
        RULES_DOC: rules_reference(),
    }
    for line in contradictions(CHECKS, read_reports(FOLDER)):
        terminal.show(line)
    stale = []
    for path, text in (whole | generated).items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            terminal.show(f"{path} is up to date")
        elif check:
            stale.append(str(path))
        else:
            replace_file(path, text)
            terminal.show(f"wrote {path}")
    if stale:
        raise CicdError(f"out of date: {', '.join(stale)}; run `make fmt` and review the diff")
