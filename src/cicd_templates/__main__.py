"""`python -m cicd_templates VERB`."""

from cicd_templates.cli import main

if __name__ == "__main__":
    main()
