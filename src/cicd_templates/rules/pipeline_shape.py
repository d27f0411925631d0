"""E9161: no way to production around the gate, its locks and an approval."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.reading import EACH, Found, Resource, values
from cicd_templates.rules.resource_rule import Finding, ResourceRule

# An action of CloudFormation that only prepares: what it leaves can be looked at before somebody approves.
PREPARES = "CHANGE_SET_REPLACE"


class PipelineShape(ResourceRule):
    """Gate before build, locks on every later stage, approval before production."""

    id = "E9161"
    shortdesc = "No way to production around gate, locks and approval"
    description = (
        "A stage that only decides (a Lambda action, nothing built or deployed) stands before the first build or "
        "deployment and is never retried by itself. Every later stage is locked: BeforeEntry fails it unless a "
        "VariableCheck finds the decision's variable equal to a value. Production, or else the last of several "
        "deploying stages, has a manual approval before anything in it takes effect. Locks exist in pipelines of "
        "type V2 only."
    )
    source_url = "docs/rules.md#e9161"
    tags = ["pipeline"]
    types = frozenset({"AWS::CodePipeline::Pipeline"})

    def check(self, resource: Resource) -> Iterator[Finding]:
        """A finding for each part of the shape that is missing."""
        for found in resource.properties("PipelineType"):
            if found.value is None or found.value == "V1":
                yield Finding("PipelineType V2 is needed: conditions on stages exist there only", found.path)
        stages = list(resource.properties("Stages", EACH))
        gate = next((index for index, stage in enumerate(stages) if _decides(stage)), None)
        working = next((index for index, stage in enumerate(stages) if _works(stage)), len(stages))
        if gate is None or gate > working:
            if working < len(stages):
                yield Finding(
                    "nothing decides before this stage builds or deploys; put a gate before it", stages[working].path
                )
        else:
            yield from _gate(stages[gate])
            for stage in stages[gate + 1 :]:
                if not _locked(stage, _names(stages[gate])):
                    yield Finding("the stage is not locked by the gate's verdict: add a VariableCheck", stage.path)
        yield from _approval(stages)


def _categories(stage: Found) -> list[str]:
    return [str(found.value) for found in values(stage, "Actions", EACH, "ActionTypeId", "Category")]


def _decides(stage: Found) -> bool:
    return bool(categories := _categories(stage)) and set(categories) == {"Invoke"}


def _works(stage: Found) -> bool:
    return not {"Build", "Deploy", "Compute"}.isdisjoint(_categories(stage))


def _names(stage: Found) -> set[str]:
    return {str(found.value) for found in values(stage, "Actions", EACH, "Namespace")}


def _gate(stage: Found) -> Iterator[Finding]:
    for found in values(stage, "OnFailure", "Result"):
        if found.value in ("RETRY", "SKIP"):
            yield Finding(f"a gate that has failed is not to {str(found.value).lower()} by itself", found.path)


def _locked(stage: Found, namespaces: set[str]) -> bool:
    """Whether a condition fails the stage unless a variable of the gate has one value."""
    for condition in values(stage, "BeforeEntry", "Conditions", EACH):
        if any(found.value == "FAIL" for found in values(condition, "Result")):
            for rule in values(condition, "Rules", EACH):
                providers = [found.value for found in values(rule, "RuleTypeId", "Provider")]
                operators = [found.value for found in values(rule, "Configuration", "Operator")]
                variables = [str(found.value) for found in values(rule, "Configuration", "Variable")]
                of_the_gate = any(text.startswith(f"#{{{name}.") for text in variables for name in namespaces)
                if providers == ["VariableCheck"] and operators == ["EQ"] and of_the_gate:
                    return True
    return False


def _approval(stages: list[Found]) -> Iterator[Finding]:
    deploying = [stage for stage in stages if "Deploy" in _categories(stage)]
    protected = [
        stage for stage in deploying if any("prod" in str(name.value).lower() for name in values(stage, "Name"))
    ]
    for stage in protected or deploying[1:][-1:]:
        approvals, effects = [], []
        for action in values(stage, "Actions", EACH):
            category = [found.value for found in values(action, "ActionTypeId", "Category")]
            orders = [int(str(found.value)) for found in values(action, "RunOrder") if str(found.value).isdecimal()]
            modes = [found.value for found in values(action, "Configuration", "ActionMode")]
            if category == ["Approval"]:
                approvals += orders or [1]
            elif category == ["Deploy"] and modes != [PREPARES]:
                effects += orders or [1]
        if effects and min(approvals, default=min(effects)) >= min(effects):
            yield Finding("nobody approves before this stage takes effect; add a manual approval", stage.path)
