"""Why an operation failed, where in the reviewed template, and what to do about it. Reads only.

`failures` takes the events of one operation and returns its failures, the first cause first. For that cause
`causes/` asks the service behind the resource, `access_denied` parses the refusal of IAM or KMS, and `source_lines`
finds the line of the reviewed template. `diagnose` puts the answers into one `Diagnosis`, with the next steps.
`event_file` keeps the events on disk, because CloudFormation deletes a failed creation together with its events.

A diagnosis never changes how an operation has ended: what cannot be read is left out or named.
"""
