"""What both halves know of a CloudFormation template: its YAML, its metadata, its references. Pure text and dicts."""
