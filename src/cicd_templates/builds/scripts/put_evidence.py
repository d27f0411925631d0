"""Puts a file into the evidence bucket once: `put_evidence.py FILE NAME`; what is there already stays.

The key is $SERVICE/$EXECUTION_ID/NAME. A retried action finds its evidence there and goes on.
"""

import os
import sys

import boto3
from botocore.exceptions import ClientError

path, name = sys.argv[1:]
key = f"{os.environ['SERVICE']}/{os.environ['EXECUTION_ID']}/{name}"
with open(path, "rb") as file:
    body = file.read()
if not body:
    sys.exit(f"{path} is empty, so it is no evidence")
try:
    boto3.client("s3").put_object(Bucket=os.environ["EVIDENCE_BUCKET"], Key=key, Body=body, IfNoneMatch="*")
    print(f"put {key}")
except ClientError as error:
    if error.response["Error"]["Code"] != "PreconditionFailed":
        raise
    print(f"kept {key}, which an earlier attempt of this run put")
