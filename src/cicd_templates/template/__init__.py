"""CloudFormation templates as text and as plain data: the part that the renderer and the deployer share.

`StackFacts` has the facts about a stack that the template's metadata states. `StackTemplate` is a template with its
file, text, content, facts and links. Only `read_template` makes a `StackTemplate` of a file, and only `parse_template`
makes one of a text. `stack_graph` derives the order of stacks from the values that they read and publish. `policy_diff`
decides whether a change of IAM statements widens access. `comparison` compares values part by part. `reasons` writes
and reads the reasons in the metadata. `source_lines` finds the lines of resources in the text.

Nothing here imports troposphere, boto3 or any other part of the package except `errors`, so that both the renderer and
the deployer can use it.
"""
