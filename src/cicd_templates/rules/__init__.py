"""The project's own cfn-lint rules, one rule class per file.

A rule reads a finished template, rendered by this project or by any other tool, and yields a finding for each
violation. These are the steps:

1. `.cfnlintrc` makes cfn-lint load `loaded/every_rule.py`. That module contains `registry.RULES`: every rule class of
   this folder.
2. cfn-lint calls `match` of each rule with the template. Most rules inherit `match` from `resource_rule.ResourceRule`.
   It calls `check` of the rule for every resource of the rule's types.
3. A rule reads the resource with `reading` (which follows `Fn::If`) and `policy_statements` (the statements of
   policies).
4. cfn-lint collects the findings. `cicd_templates.lint`, which runs cfn-lint, prints them.

To add a rule, add a file with one class that has an unused id; `registry` finds it. The documentation in
`docs/rules.md` is generated from `shortdesc` and `description`.

Rules import only cfn-lint's API, modules of this folder and a few modules of `template/`. They do not call AWS and do
not change the template. They never raise an exception, even for an invalid template. A value that only CloudFormation
can evaluate causes no finding.
"""
