"""Replaces the `aws` command in a rehearsed build. It sends requests with botocore.

Each option is a parameter of the request, except `--query` and `--output text`, which work as in the AWS command line.
If a service returns an error, the error is printed to standard error and the exit code is 254.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import botocore.session
import jmespath
from botocore import xform_name
from botocore.exceptions import ClientError, ParamValidationError

SERVICES = {"s3api": "s3"}
FAILED, WRONG = 254, 252


def main(arguments: Sequence[str]) -> int:
    """Run `aws SERVICE OPERATION ...` and return its exit code."""
    name, operation, *rest = arguments
    client: Any = botocore.session.get_session().create_client(SERVICES.get(name, name))
    try:
        if (name, operation) == ("ecr", "get-login-password"):
            token = client.get_authorization_token()["authorizationData"][0]["authorizationToken"]
            print(base64.b64decode(token).decode().partition(":")[2])
            return 0
        method = operation.replace("-", "_")
        shape = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method]).input_shape
        members = {xform_name(member, "-"): (member, of) for member, of in shape.members.items()}
        parameters, options, files = _parse_arguments(rest, members)
        answer = getattr(client, method)(**parameters)
    except ClientError as error:
        print(f"\n{error}", file=sys.stderr)
        return FAILED
    except (KeyError, ParamValidationError) as error:
        print(f"aws: error: {name} {operation}: {error}", file=sys.stderr)
        return WRONG
    _print_answer(answer, options, files)
    return 0


def _parse_arguments(rest: Sequence[str], members: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str], list[str]]:
    parameters: dict[str, Any] = {}
    options: dict[str, str] = {}
    files: list[str] = []
    words = iter(rest)
    for word in words:
        name = word.removeprefix("--")
        if word == name:
            files.append(word)
        elif name in ("query", "output", "region", "no-cli-pager"):
            options[name] = next(words)
        else:
            member, shape = members[name]
            parameters[member] = _value(next(words), shape)
    return parameters, options, files


def _value(text: str, shape: Any) -> Any:
    """Convert the text of an option to the type that the API expects.

    For a structure, the text is `a=1,b=2` or JSON. For a list, the result is a list with the text as its only item. For
    a blob, the text is the path of a file.
    """
    if shape.type_name == "blob":
        return Path(text).read_bytes()
    if shape.type_name == "list":
        return [_value(text, shape.member)]
    if shape.type_name == "structure":
        return json.loads(text) if text.startswith("{") else dict(pair.split("=", 1) for pair in text.split(","))
    return int(text) if shape.type_name in ("integer", "long") else text


def _print_answer(answer: dict[str, Any], options: dict[str, str], files: list[str]) -> None:
    answer.pop("ResponseMetadata")
    if (body := answer.pop("Body", None)) is not None:
        Path(files[0]).write_bytes(body.read())
    expression: Any = jmespath.compile(options.get("query", "@"))  # type: ignore[no-untyped-call] # has no types
    found = expression.search(answer)
    if options.get("output") != "text":
        print(json.dumps(found, indent=4, default=str))
    else:
        print("None" if found is None else found if isinstance(found, str) else json.dumps(found, default=str))
