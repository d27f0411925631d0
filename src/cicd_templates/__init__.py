"""A complete, audited CI/CD pipeline on AWS in plain CloudFormation."""

import os

# Disable pydantic's plugins. Other installed packages must not change how the configuration is read, and the search for
# plugins takes ten milliseconds: https://docs.pydantic.dev/latest/concepts/plugins/
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
