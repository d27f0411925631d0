"""Finds out why an operation on a stack failed, at which line of the reviewed template, and what to do. Only reads.

- `failures` returns the failures of one operation from CloudFormation's events, the root cause first.
- `causes/` asks the AWS service of the failed resource; `access_denied` parses the refusal of IAM or KMS.
- `diagnose` puts the results into one `Diagnosis`, with the line in the reviewed template and the next steps.
- `event_file` saves the events, because CloudFormation may delete a stack that it failed to create, and its events.

A diagnosis never changes the result of an operation. What cannot be read is left out or reported as unreadable.
"""
