"""Run cfn-lint with our rules, and write what it found for people and for tools."""
