"""Finds out why an operation on a stack failed, at which line of the reviewed template, and what to do.

- `failures` returns the failures of one operation from CloudFormation's events, the root cause first.
- `causes/` asks the AWS service of the failed resource; `access_denied` parses the messages with which IAM and KMS deny
  access.
- `diagnose` puts the results into one `Diagnosis`, with the line in the reviewed template and the next steps.
- `event_file` saves the events, because CloudFormation may delete a stack and its events after a failed creation.

These modules change nothing in AWS. A diagnosis never changes the result of an operation. Details that cannot be read
are left out or reported as unreadable.
"""
