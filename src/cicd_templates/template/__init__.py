"""CloudFormation templates as text and plain data: what the renderer and the deployer both know of them.

`StackFacts` are what a template says of its stack, and `StackTemplate` is a template with its file, text, content,
facts and links; `read_template` and `parse_template` are the only ways from a file or a text to one. `stack_graph`
derives the order of stacks from what they read and publish, `policy_diff` decides whether a change of IAM statements
widens access, `comparison` compares values part by part, and `reasons` writes and reads the reasons in the metadata.

Nothing here imports troposphere, boto3 or another room but `errors`, so that both halves can share it.
"""
