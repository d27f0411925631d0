"""Runs cfn-lint with the project's own rules on rendered templates, and formats the findings.

1. `run.lint_templates` distributes the files over processes, which load cfn-lint with the settings of `.cfnlintrc`.
2. `cached_findings` stores the findings. An unchanged file is not linted again.
3. Each match becomes a `LintFinding`: file, line, column, rule, level and message.
4. `formats` turns findings into lines of text, SARIF or GitHub annotations. `make lint` prints the result.

This package contains no rules; they are in `cicd_templates.rules`. It neither renders nor deploys templates. The
command line determines the exit code: it fails if there is any finding.
"""
