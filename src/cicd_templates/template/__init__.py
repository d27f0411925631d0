"""CloudFormation templates as text and as plain data: the part that the renderer and the deployer share.

`StackFacts` are the facts about a stack in the template's metadata. `StackTemplate` is a template with its file, text,
content, facts and links. Only `read_template` creates a `StackTemplate` from a file, and only `parse_template` creates
a `StackTemplate` from a text. `stack_graph` derives the order of stacks from the values that they read and publish.
`policy_diff` decides whether a change of IAM statements widens access. `comparison` compares two values item by item.
`reasons` writes and reads the reasons in the metadata. `source_lines` finds the lines of resources in the text.

Nothing here imports troposphere, boto3 or any other part of the package except `errors`, so that both the renderer and
the deployer can use it.
"""
