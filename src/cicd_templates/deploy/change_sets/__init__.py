"""Change sets: their request, what CloudFormation answers, and what each change means. Executes none."""
