"""Templates refer to a secret by its ARN, although the engine identifies it by its name."""

from __future__ import annotations

from typing import Any

from cicd_templates.local.secret_references import SECRET, secrets_by_arn

ARN = "arn:aws:secretsmanager:eu-central-1:1:secret:my-token-a1b2c3"
OTHER = "arn:aws:secretsmanager:eu-central-1:1:secret:another-a1b2c3"


def test_a_secret_is_made_changed_and_deleted_by_its_arn() -> None:
    seen: list[tuple[str, ...]] = []

    def update(name: str, before: Any, after: Any, stack: str) -> Any:
        seen.append(("update", name))
        return ("another", {"Arn": OTHER}) if after.get("Name") == "another" else (name, {})

    table: dict[str, Any] = {
        SECRET: {
            "create": lambda logical, properties, stack: ("my-token", {"Arn": ARN}),
            "update": update,
            "delete": lambda name, properties: seen.append(("delete", name)),
            "other": 1,
        }
    }
    readers: dict[str, Any] = {SECRET: (lambda name, properties: {"Name": name, **properties}, {"Name"})}
    secrets_by_arn(table, readers)

    assert table[SECRET]["create"]("L", {}, "s") == (ARN, {"Arn": ARN})
    assert table[SECRET]["update"](ARN, {}, {}, "s") == (ARN, {})
    assert table[SECRET]["update"](ARN, {}, {"Name": "another"}, "s") == (OTHER, {"Arn": OTHER})
    table[SECRET]["delete"](ARN, {})
    assert seen == [("update", "my-token"), ("update", "my-token"), ("delete", "my-token")]
    assert table[SECRET]["other"] == 1
    read, names = readers[SECRET]
    assert (read(ARN, {"a": 1}), names) == ({"Name": "my-token", "a": 1}, {"Name"})
