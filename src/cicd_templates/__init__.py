"""A complete, audited CI/CD pipeline on AWS in plain CloudFormation."""

import os

# Whatever else is installed beside us has no say in how the configuration is read, and looking for it takes
# ten milliseconds: https://docs.pydantic.dev/latest/concepts/plugins/
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
