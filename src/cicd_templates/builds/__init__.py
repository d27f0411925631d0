"""Defines what runs in CodeBuild: the checks of a release, and the build specification of every project.

The checks that a service configures become part of a template in these steps:

1. The configuration has the tables `[services.<name>.checks.<check>]`.
2. `configured_checks.checks_of` adds the values of the preset in `check_presets`.
3. `buildspecs` returns the specification of each project as text.
4. The layer `templates/build.py` puts these texts into its template.

`image_build` and `buildspecs` also contain the specifications of the builds that run after the gate: image, bill of
materials, image scan and smoke test.

`scripts/` has Python programs, and `pins/` has requirements files. A specification contains the full text of each file
that its build needs. A reviewer of the template can therefore read everything that a build runs.

Nothing here calls AWS or runs a command. The functions are pure: equal settings give equal text, byte for byte. No part
of this text comes from the application's source, from a person's machine or from the network.
"""
