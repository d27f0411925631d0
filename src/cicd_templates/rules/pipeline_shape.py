"""E9161: no release reaches a protected environment without the gate, its stage conditions and an approval."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.reading import EACH, Resource, TemplateNode, values
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding
from cicd_templates.template.metadata import PROTECTED_STAGES_KEY

# This mode of a CloudFormation action only creates a change set; an approver can review it before it is executed.
PREPARES = "CHANGE_SET_REPLACE"


class PipelineShape(ResourceRule):
    """Require a gate before the build, a lock on every later stage, and an approval before a protected environment."""

    id = "E9161"
    shortdesc = "Nothing bypasses the gate, its locks and the approval"
    description = (
        "A gate is a stage with Lambda actions only, which builds and deploys nothing. It must precede the first build"
        " or deployment, and must not be retried automatically. Every later stage is locked: its BeforeEntry condition"
        " fails the stage if a VariableCheck does not find the required value in the gate's variable. A protected stage"
        " has a manual approval before its first deployment. The pipeline's metadata lists the protected stages under"
        " ProtectedStages. Without this list, the rule assumes that the last of several deploying stages is protected."
        " If there is a list,"
        " a function must check the approved change sets between the approval and the deployment. Conditions require a"
        " pipeline of type V2."
    )
    source_url = "docs/rules.md#e9161"
    tags = ["pipeline"]
    types = frozenset({"AWS::CodePipeline::Pipeline"})

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield a finding for each missing gate, lock and approval."""
        for node in resource.properties("PipelineType"):
            if node.value is None or node.value == "V1":
                yield RuleFinding("PipelineType must be V2, because only V2 supports stage conditions", node.path)
        stages = list(resource.properties("Stages", EACH))
        gate = next((index for index, stage in enumerate(stages) if _decides(stage)), None)
        working = next((index for index, stage in enumerate(stages) if _works(stage)), len(stages))
        if gate is None or gate > working:
            if working < len(stages):
                yield RuleFinding(
                    "no gate precedes this stage, which builds or deploys; add a gate before it", stages[working].path
                )
        else:
            yield from _gate(stages[gate])
            for stage in stages[gate + 1 :]:
                if not _locked(stage, _names(stages[gate])):
                    yield RuleFinding(
                        "the stage is not locked by the gate's verdict; add a VariableCheck to BeforeEntry", stage.path
                    )
        listed = any(isinstance(node.value, list) for node in resource.values("Metadata", PROTECTED_STAGES_KEY))
        yield from _approval(_guarded(resource, stages), checked=listed)


def _categories(stage: TemplateNode) -> list[str]:
    return [str(node.value) for node in values(stage, "Actions", EACH, "ActionTypeId", "Category")]


def _decides(stage: TemplateNode) -> bool:
    return bool(categories := _categories(stage)) and set(categories) == {"Invoke"}


def _works(stage: TemplateNode) -> bool:
    return not {"Build", "Deploy", "Compute"}.isdisjoint(_categories(stage))


def _names(stage: TemplateNode) -> set[str]:
    return {str(node.value) for node in values(stage, "Actions", EACH, "Namespace")}


def _gate(stage: TemplateNode) -> Iterator[RuleFinding]:
    for node in values(stage, "OnFailure", "Result"):
        if node.value in ("RETRY", "SKIP"):
            yield RuleFinding(f"OnFailure must not {str(node.value).lower()} a failed gate", node.path)


def _locked(stage: TemplateNode, namespaces: set[str]) -> bool:
    """Return whether a BeforeEntry condition fails the stage if a variable of the gate does not have the required
    value.
    """
    for condition in values(stage, "BeforeEntry", "Conditions", EACH):
        if any(node.value == "FAIL" for node in values(condition, "Result")):
            for rule in values(condition, "Rules", EACH):
                providers = [node.value for node in values(rule, "RuleTypeId", "Provider")]
                operators = [node.value for node in values(rule, "Configuration", "Operator")]
                variables = [str(node.value) for node in values(rule, "Configuration", "Variable")]
                of_the_gate = any(text.startswith(f"#{{{name}.") for text in variables for name in namespaces)
                if providers == ["VariableCheck"] and operators == ["EQ"] and of_the_gate:
                    return True
    return False


def _guarded(resource: Resource, stages: list[TemplateNode]) -> list[TemplateNode]:
    """Return the stages that need an approval, because they deploy to a protected environment.

    If this project rendered the pipeline, the metadata of the template lists these stages. In any other pipeline with
    several stages that deploy, only the last of these stages is assumed to need an approval.
    """
    listed = [node.value for node in resource.values("Metadata", PROTECTED_STAGES_KEY)]
    if all(isinstance(names, list) for names in listed):
        protected = {str(name) for names in listed for name in names}
        return [stage for stage in stages if any(str(name.value) in protected for name in values(stage, "Name"))]
    deploying = [stage for stage in stages if "Deploy" in _categories(stage)]
    return deploying[1:][-1:]


def _approval(stages: list[TemplateNode], *, checked: bool) -> Iterator[RuleFinding]:
    """Yield a finding for each stage that deploys without an approval.

    If `checked`, also yield a finding for each stage without a function that checks the approved change sets between
    the approval and the deployment.
    """
    for stage in stages:
        approvals, checks, effects = [], [], []
        for action in values(stage, "Actions", EACH):
            category = [node.value for node in values(action, "ActionTypeId", "Category")]
            orders = [int(str(node.value)) for node in values(action, "RunOrder") if str(node.value).isdecimal()]
            modes = [node.value for node in values(action, "Configuration", "ActionMode")]
            if category == ["Approval"]:
                approvals += orders or [1]
            elif category == ["Invoke"]:
                checks += orders or [1]
            elif category == ["Deploy"] and modes != [PREPARES]:
                effects += orders or [1]
        if effects and min(approvals, default=min(effects)) >= min(effects):
            yield RuleFinding("this stage deploys without an approval; add a manual approval", stage.path)
        elif effects and checked and not any(min(approvals) < order < min(effects) for order in checks):
            yield RuleFinding(
                "no function checks the approved change sets between the approval and the deployment; add the approval"
                " check, with a RunOrder between theirs",
                stage.path,
            )
