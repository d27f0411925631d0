"""The project's own cfn-lint rules, one rule class per file.

A rule reads a finished template, rendered by this project or by any other tool, and yields a finding for each
violation. These are the steps:

1. cfn-lint loads `loaded/every_rule.py`, which `.cfnlintrc` names. This file contains `registry.RULES`: every rule
   class of this folder.
2. cfn-lint calls `match` of each rule with the template. Most rules derive from `resource_rule.ResourceRule`, which
   calls their `check` for every resource of their types.
3. A rule reads the resource with `reading` (which follows `Fn::If`) and `policy_statements` (the statements of
   policies).
4. cfn-lint collects the findings. `cicd_templates.lint`, which runs cfn-lint, prints them.

To add a rule, add a file with one class that has an unused id; `registry` finds it. The documentation in
`docs/rules.md` is generated from `shortdesc` and `description`.

Rules import only cfn-lint's API, modules of this folder and a few modules of `template/`. They do not call AWS and do
not change the template. They never raise an exception, even for an invalid template. A value that only CloudFormation
can evaluate causes no finding.
"""
