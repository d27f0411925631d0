"""Store a file in the evidence bucket without overwriting anything: `put_evidence.py FILE NAME`.

The key is $SERVICE/$EXECUTION_ID/NAME. If an object with this key and the same content exists, nothing is stored. If
the object has other content, the file is stored with the next free number, such as `sbom.cdx-2.json`.
"""

import os
import sys

import boto3
from botocore.exceptions import ClientError

MAX_ATTEMPTS = 9

path, name = sys.argv[1:]
stem, dot, extension = name.rpartition(".")
bucket, prefix = os.environ["EVIDENCE_BUCKET"], f"{os.environ['SERVICE']}/{os.environ['EXECUTION_ID']}"
with open(path, "rb") as file:
    body = file.read()
if not body:
    sys.exit(f"{path} is empty, so it cannot be evidence")
s3 = boto3.client("s3")
for number in range(1, MAX_ATTEMPTS + 1):
    key = f"{prefix}/{name}" if number == 1 else f"{prefix}/{stem}-{number}{dot}{extension}"
    try:
        # A bucket with Object Lock accepts only uploads with a checksum.
        s3.put_object(Bucket=bucket, Key=key, Body=body, IfNoneMatch="*", ChecksumAlgorithm="SHA256")
        print(f"stored {key}")
        sys.exit()
    except ClientError as error:
        if error.response["Error"]["Code"] != "PreconditionFailed":
            raise
    if s3.get_object(Bucket=bucket, Key=key)["Body"].read() == body:
        print(f"an earlier attempt of this run has already stored {key}")
        sys.exit()
sys.exit(f"cannot store {prefix}/{name}: this key and the numbered keys up to {key} already have other content")
