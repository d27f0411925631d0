"""Lists the database users that releases create, and what each user may do."""

from __future__ import annotations

from cicd_templates.review.reviewed_stacks import ReviewedStack
from cicd_templates.template.stack_template import StackTemplate

USER_HEADS = ("database", "user", "may use", "may create tables", "created by")
LAYER = "databases"
ENDING = "UsersParameter"


def user_rows(stack: ReviewedStack) -> list[tuple[str, ...]]:
    """Return one row for each database user that releases create.

    A stack of the layer `databases` publishes the list of these users. The function that creates them reads the list.
    """
    return [
        (
            f"{stack.template.label}.{logical_id.removesuffix(ENDING)}",
            user,
            "the schema public" if "USAGE" in privileges else "nothing",
            "yes" if "CREATE" in privileges else "no",
            "each release",
        )
        for logical_id, entries in _published(stack.template)
        for user, *privileges in (entry.split(":") for entry in entries)
    ]


def _published(template: StackTemplate) -> list[tuple[str, list[str]]]:
    if template.facts.layer != LAYER:
        return []
    return [
        (logical_id, list(resource["Properties"]["Value"]["Fn::Join"][1]))
        for logical_id, resource in template.resources.items()
        if resource["Type"] == "AWS::SSM::Parameter" and logical_id.endswith(ENDING)
    ]
