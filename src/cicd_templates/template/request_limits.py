"""Limits of CloudFormation's requests.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
"""

# The largest template, in bytes of UTF-8, that fits into a request. A larger template must be uploaded to a bucket.
TEMPLATE_BODY_BYTES = 51_200
