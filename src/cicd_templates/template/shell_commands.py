"""Writes parts of the AWS CLI commands in messages and documents."""


def parameter_value(path: str) -> str:
    """Return the shell code `$(aws ssm ...)`, whose result is the value of the Parameter Store parameter `path`."""
    return f"$(aws ssm get-parameter --name {path} --query Parameter.Value --output text)"
