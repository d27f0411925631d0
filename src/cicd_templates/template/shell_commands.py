"""Parts of the AWS command lines that the project shows to people."""


def parameter_value(path: str) -> str:
    """Return the shell's command substitution for the value in Parameter Store under `path`."""
    return f"$(aws ssm get-parameter --name {path} --query Parameter.Value --output text)"
