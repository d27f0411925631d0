"""Parts of the AWS command lines that the project shows to people."""


def parameter_value(path: str) -> str:
    """Return a shell command substitution that reads the value of the parameter `path` from Parameter Store."""
    return f"$(aws ssm get-parameter --name {path} --query Parameter.Value --output text)"
