"""CloudFormation templates as text and as plain data: the part that the renderer and the deployer share.

`StackFacts` are what a template's metadata says about its stack. `StackTemplate` is a template with its file, text,
content, facts and links. A file becomes a `StackTemplate` only through `read_template`, and a text only through
`parse_template`. `stack_graph` derives the order of stacks from the values that they read and publish. `policy_diff`
decides whether a change of IAM statements widens access. `comparison` compares values part by part. `reasons` writes
and reads the reasons in the metadata. `source_lines` finds the lines of resources in the text.

Nothing here imports troposphere, boto3 or any other part of the package except `errors`, so that both the renderer and
the deployer can use it.
"""
