"""A complete, audited CI/CD pipeline on AWS in plain CloudFormation."""
