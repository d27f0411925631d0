"""What runs in CodeBuild: the checks of a release and the build specification of every project.

The flow is a service's `[services.<name>.checks]` tables -> `presets.checks_of`, which fills in what a preset knows
about its tool -> `buildspecs`, which returns the specification of each project as text -> the layer
`templates/build.py`. Besides the checks, `buildspecs` covers the builds that follow the gate: the image, its bill of
materials, its scan and the smoke test.

`scripts/` holds the Python programs and `pins/` the requirement files that specifications write into the container, so
that a reviewer of the template reads everything a build runs.

Nothing here calls AWS or runs a command. The functions are pure: equal settings return equal text, byte for byte, and
nothing in that text comes from the application's source, from a person's machine or from the network.
"""
