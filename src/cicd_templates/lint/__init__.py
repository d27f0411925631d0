"""Run cfn-lint with the project's own rules over rendered templates, and format what it finds.

1. `run.lint_templates` loads cfn-lint once, as `.cfnlintrc` configures it, and lints every file in one process.
2. Each match becomes a `LintFinding`: file, line, column, rule, level and message.
3. `formats` turns findings into lines of text, SARIF or GitHub annotations; the command line prints them.

This package knows nothing of single rules, which are in `cicd_templates.rules`. It neither renders nor deploys
templates, and does not decide the exit code: the command line fails if there is any finding.
"""
