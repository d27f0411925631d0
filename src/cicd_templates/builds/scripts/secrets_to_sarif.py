"""Turns what `detect-secrets scan` prints into SARIF 2.1.0: standard input to standard output."""

import json
import sys

scan = json.load(sys.stdin)
results = [
    {
        "ruleId": secret["type"],
        "level": "error",
        "message": {"text": f"{secret['type']} in the source; revoke it, then remove it"},
        "partialFingerprints": {"secretSha1": secret["hashed_secret"]},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": path},
                    "region": {"startLine": secret["line_number"]},
                }
            }
        ],
    }
    for path, secrets in sorted(scan["results"].items())
    for secret in secrets
]
driver = {
    "name": "detect-secrets",
    "version": scan["version"],
    "informationUri": "https://github.com/Yelp/detect-secrets",
}
run = {"tool": {"driver": driver}, "invocations": [{"executionSuccessful": True}], "results": results}
json.dump({"version": "2.1.0", "runs": [run]}, sys.stdout, indent=2)
