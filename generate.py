"""Renders every layer for every environment into out/; `--check` compares instead of writing."""

from cicd_templates.cli import render

if __name__ == "__main__":
    render()
