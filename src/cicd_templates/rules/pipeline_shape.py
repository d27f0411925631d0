"""E9161: no release reaches a protected environment without the scan gate, the stage conditions and an approval."""

from __future__ import annotations

import math
from collections.abc import Iterator

from cicd_templates.rules.approval_checks import may_deploy, prepares, run_order, uncovered
from cicd_templates.rules.reading import EACH, Resource, TemplateNode, values
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding
from cicd_templates.template.metadata import PROTECTED_STAGES_KEY

# Actions that run code of the source, and actions that neither run nor deploy anything.
RUNS_CODE = "runs code"
HARMLESS = ("Source",)


class PipelineShape(ResourceRule):
    """Require a gate before the build, and an approval before each deployment to a protected environment.

    Each stage after the gate must have an entry condition that checks the gate's verdict.
    """

    id = "E9161"
    shortdesc = "Nothing bypasses the gate, the locks of later stages, or the approval"
    description = (
        "A gate is a stage with Lambda actions only, which builds and deploys nothing. It must precede the first build"
        " or deployment, and must not be retried automatically. Every later stage is locked: its BeforeEntry condition"
        " fails the stage if a VariableCheck does not find the required value in the gate's variable. A protected stage"
        " has a manual approval before its first deployment. The pipeline's metadata lists the protected stages under"
        " ProtectedStages. Without this list, the rule assumes that the last of several deploying stages is protected."
        " A function, which is the same in every stage, must check each change set before it is executed. It runs after"
        " every preparation of the stage and, in a protected stage, after the approval. Its parameters name the stack"
        " and the change set. An action of another provider or mode cannot be checked, so it is a finding. Conditions"
        " require a pipeline of type V2."
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
                        "the stage does not check the gate's verdict; add a VariableCheck to BeforeEntry", stage.path
                    )
        yield from _unknown_stages(resource, stages)
        guarded = _guarded(resource, stages)
        found = [*_approval(guarded), *_unsigned([stage for stage in stages if stage not in guarded])]
        yield from found
        reported = {finding.path for finding in found}
        approved = {index: _approved(stage) for index, stage in enumerate(stages) if stage in guarded}
        for action in uncovered(resource, stages, approved):
            if action.path[:-2] not in reported:
                yield RuleFinding(
                    "no approval check covers this deployment; let the action execute a change set; between the"
                    " approval and this action, add a Lambda action that calls the approval check; let the stage"
                    " create all change sets before the Lambda action; set the user parameter `stacks` of the Lambda"
                    " action to the name of the stack, and `changeSet` to the name of the change set",
                    action.path,
                )


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
    """Return whether a BeforeEntry condition of the stage checks the gate's verdict.

    The condition must compare a variable of the gate with a literal value, and fail the stage if the two differ.
    """
    for condition in values(stage, "BeforeEntry", "Conditions", EACH):
        if any(node.value == "FAIL" for node in values(condition, "Result")):
            for rule in values(condition, "Rules", EACH):
                providers = [node.value for node in values(rule, "RuleTypeId", "Provider")]
                operators = [node.value for node in values(rule, "Configuration", "Operator")]
                variables = [str(node.value) for node in values(rule, "Configuration", "Variable")]
                required = [node.value for node in values(rule, "Configuration", "Value")]
                # A computed value could equal any value that the gate returned.
                is_literal = all(isinstance(value, str) and value and "#{" not in value for value in required)
                of_the_gate = any(text.startswith(f"#{{{name}.") for text in variables for name in namespaces)
                if providers == ["VariableCheck"] and operators == ["EQ"] and of_the_gate and is_literal:
                    return True
    return False


def _guarded(resource: Resource, stages: list[TemplateNode]) -> list[TemplateNode]:
    """Return the stages that need an approval, because they deploy to a protected environment.

    The pipeline's metadata lists these stages. If the metadata has no list and several stages deploy, return the last
    of the deploying stages.
    """
    listed = [node.value for node in resource.values("Metadata", PROTECTED_STAGES_KEY)]
    if all(isinstance(names, list) for names in listed):
        protected = {str(name) for names in listed for name in names}
        return [stage for stage in stages if any(str(name.value) in protected for name in values(stage, "Name"))]
    deploying = [stage for stage in stages if "Deploy" in _categories(stage)]
    return deploying[1:][-1:]


def _approved(stage: TemplateNode) -> float:
    """Return the RunOrder of the first approval in a stage, or infinity if the stage has no approval.

    If the RunOrder of an approval is an `Fn::If`, the approval counts with the highest possible value.
    """
    orders = [
        run_order(action)[1]
        for action in values(stage, "Actions", EACH)
        if [node.value for node in values(action, "ActionTypeId", "Category")] == ["Approval"]
    ]
    return min(orders, default=math.inf)


def _approval(stages: list[TemplateNode]) -> Iterator[RuleFinding]:
    """Yield a finding for each stage that deploys and has one of these problems:

    - No approval precedes the deployment.
    - No function checks the approved change sets after the approval and before the deployment.
    - A build runs between the approval and the deployment.

    An action whose category is not written literally in the template counts as a deployment.
    """
    for stage in stages:
        orders: dict[str, list[tuple[float, float]]] = {"Approval": [], "Invoke": [], "Deploy": [], RUNS_CODE: []}
        for action in values(stage, "Actions", EACH):
            categories = {str(node.value) for node in values(action, "ActionTypeId", "Category")}
            kind = RUNS_CODE if categories and categories <= {"Build", "Test", "Compute"} else "".join(categories)
            if kind not in HARMLESS and not prepares(action):
                orders[kind if kind in orders else "Deploy"].append(run_order(action))
        if not orders["Deploy"]:
            continue
        approved = min((last for _, last in orders["Approval"]), default=math.inf)
        deployed = min(first for first, _ in orders["Deploy"])
        if approved >= deployed:
            yield RuleFinding("this stage deploys without an approval; add a manual approval", stage.path)
        elif not any(approved < first and last < deployed for first, last in orders["Invoke"]):
            yield RuleFinding(
                "after the approval and before the deployment, no function checks the approved change sets; add an"
                " approval check, with a RunOrder between that of the approval and that of the deployment",
                stage.path,
            )
        elif any(last > approved and first <= deployed for first, last in orders[RUNS_CODE]):
            yield RuleFinding(
                "a build runs between the approval and the deployment, and could change what was approved; let it run"
                " before the approval or after the deployment",
                stage.path,
            )


def _unsigned(stages: list[TemplateNode]) -> Iterator[RuleFinding]:
    """Yield a finding for each stage that executes a change set before a function has verified the signatures."""
    for stage in stages:
        checked, executed = [], []
        for action in values(stage, "Actions", EACH):
            categories = [node.value for node in values(action, "ActionTypeId", "Category")]
            if categories == ["Invoke"]:
                checked.append(run_order(action)[1])
            elif may_deploy(action):
                executed.append(run_order(action)[0])
        if executed and min(checked, default=math.inf) >= min(executed):
            yield RuleFinding(
                "no function verifies the signatures before this stage executes a change set; add an approval check,"
                " with a lower RunOrder than the execution",
                stage.path,
            )


def _unknown_stages(resource: Resource, stages: list[TemplateNode]) -> Iterator[RuleFinding]:
    """Yield a finding for each stage that the metadata lists as protected, but that the pipeline does not have."""
    names = {name.value for stage in stages for name in values(stage, "Name") if isinstance(name.value, str)}
    for node in resource.values("Metadata", PROTECTED_STAGES_KEY, EACH):
        if not isinstance(node.value, str) or node.value not in names:
            yield RuleFinding(
                f"{PROTECTED_STAGES_KEY} names a stage that the pipeline does not have; use the name of a stage",
                node.path,
            )
