"""Puts a file into the evidence bucket: `put_evidence.py FILE NAME`; what is there already is never replaced.

The key is $SERVICE/$EXECUTION_ID/NAME. A retried action finds its evidence there; what differs from it gets the next
free number, such as `sbom.cdx-2.json`.
"""

import os
import sys

import boto3
from botocore.exceptions import ClientError

MOST_ATTEMPTS = 9

path, name = sys.argv[1:]
stem, dot, extension = name.rpartition(".")
bucket, prefix = os.environ["EVIDENCE_BUCKET"], f"{os.environ['SERVICE']}/{os.environ['EXECUTION_ID']}"
with open(path, "rb") as file:
    body = file.read()
if not body:
    sys.exit(f"{path} is empty, so it is no evidence")
s3 = boto3.client("s3")
for number in range(1, MOST_ATTEMPTS + 1):
    key = f"{prefix}/{name}" if number == 1 else f"{prefix}/{stem}-{number}{dot}{extension}"
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=body, IfNoneMatch="*")
        print(f"put {key}")
        sys.exit()
    except ClientError as error:
        if error.response["Error"]["Code"] != "PreconditionFailed":
            raise
    if s3.get_object(Bucket=bucket, Key=key)["Body"].read() == body:
        print(f"kept {key}, which an earlier attempt of this run put")
        sys.exit()
sys.exit(f"{prefix}/{name} was put {MOST_ATTEMPTS} times already")
