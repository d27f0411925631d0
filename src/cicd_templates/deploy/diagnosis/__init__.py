"""Finds out why an operation failed, at which line of the reviewed template, and what to do about it. Only reads.

`failures` takes the events of one operation and returns its failures, the root cause first. For the
root cause, `causes/` asks the service of the resource, `access_denied` parses the refusal of IAM or KMS, and
`source_lines` finds the line in the reviewed template. `diagnose` puts the answers into one `Diagnosis`, with the next
steps. `event_file` saves the events on disk, because CloudFormation deletes a failed creation together with its events.

A diagnosis never changes how an operation ended. What cannot be read is left out or reported as unreadable.
"""
