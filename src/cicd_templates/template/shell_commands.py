"""Parts of the AWS CLI commands that messages and documents show."""


def parameter_value(path: str) -> str:
    """Return the shell code `$(aws ssm ...)`, whose result is the value of the Parameter Store parameter `path`."""
    return f"$(aws ssm get-parameter --name {path} --query Parameter.Value --output text)"
