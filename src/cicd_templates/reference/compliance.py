"""Generates `docs/compliance.md`: requirements of standards, each with its resources, its tests and the user's duties.

A requirement without a test counts as not met. The requirements are shortened; only the text of the standard itself is
authoritative.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cicd_templates.markdown import markdown_cell, table
from cicd_templates.reference.rule_packs import rule_packs_part

COMPLIANCE_HEADS = ("requirement", "in `out/`", "tests", "your part")
NOT_MET = "not met"


@dataclass(frozen=True)
class Requirement:
    """A requirement of a standard, as one row of `docs/compliance.md`.

    `resources` are the resources that meet the requirement, each as `layer.LogicalId`. `held_by` has the names of the
    tests or lint rules that check the requirement.
    """

    asks: str
    resources: tuple[str, ...]
    held_by: tuple[str, ...]
    duty: str


def _row(asks: str, resources: str, held_by: str, duty: str) -> Requirement:
    return Requirement(asks, tuple(resources.split()), tuple(held_by.split()), duty)


STANDARDS: Mapping[str, tuple[Requirement, ...]] = {
    "PCI DSS 4.0.1": (
        _row(
            "1.4.2 inbound traffic from untrusted networks goes to public services only",
            "cluster.LoadBalancer network.Vpc",
            "test_subnets_lie_in_the_vpc_and_apart_and_hand_out_no_public_address"
            " test_what_opens_itself_to_the_internet_is_found",
            "A firewall for web traffic before the load balancer (6.4.2)",
        ),
        _row(
            "3.6.1, 3.7.4 keys are protected, and rotated at the end of their cryptoperiod",
            "keys.Key",
            "test_everything_that_can_have_a_key_has_ours_but_the_log_delivery_bucket"
            " test_key_and_bucket_admit_the_delivery_roles_and_no_other_account"
            " test_a_principal_may_do_what_it_needs_and_nothing_else",
            "Deciding who may administer the key in your account, and managing the keys with which your application"
            " encrypts cardholder data",
        ),
        _row(
            "4.2.1 strong cryptography on public networks",
            "cluster.Listener",
            "test_a_certificate_means_tls_and_nothing_else_listens"
            " test_every_bucket_policy_refuses_requests_without_tls"
            " test_every_bucket_topic_and_queue_refuses_requests_without_tls",
            "The certificate, and TLS behind the load balancer if your assessor requires it",
        ),
        _row(
            "6.2.4 software is tested for common attacks before its release",
            "build.Bandit build.Snyk scan_gate.ScanGate",
            "test_a_critical_finding_fails_with_the_summary_and_a_waiver_accepts_it"
            " test_no_stage_after_the_gate_is_entered_without_the_gates_verdict"
            " test_the_deployed_gate_stops_a_release_that_must_not_pass",
            "The choice of checks for your programming languages, and a dynamic scan",
        ),
        _row(
            "6.3.1 vulnerabilities are identified and ranked",
            "scan_gate.ScanGate registry.Images",
            "test_a_finding_stops_a_release_from_its_checks_threshold_on"
            " test_a_scan_that_left_something_out_is_incomplete",
            "Looking at findings that appear after the release",
        ),
        _row(
            "6.3.2 an inventory of third-party components",
            "build.BillOfMaterials storage.Evidence",
            "test_the_bill_of_materials_lists_what_is_pinned"
            " test_the_evidence_that_the_document_lists_is_what_the_builds_write",
            "An inventory of what is not in the image",
        ),
        _row(
            "6.5.1 a change to production has a reason, an impact assessment, an approval, tests and a rollback",
            "pipeline.Pipeline review.Review access.ApproversPolicy",
            "test_production_is_changed_only_by_the_action_after_its_approval"
            " test_the_executed_change_set_is_the_prepared_one"
            " test_staging_is_tested_at_its_published_address_and_rolled_back_after_a_failed_test",
            "The reason and the security impact of each change, in your change process",
        ),
        _row(
            "6.5.3 pre-production environments are separated from production, with access control",
            "keys.Key storage.ArtifactsPolicy",
            "test_key_and_bucket_admit_the_delivery_roles_and_no_other_account"
            " test_production_reads_from_tools_only_what_it_deploys",
            "A separate account for each environment",
        ),
        _row(
            "6.5.4 the person who releases is not the person who approves",
            "access.DevelopersPolicy access.ApproversPolicy access.OperatorsPolicy access.AuditorsPolicy",
            "test_only_approvers_approve_and_nobody_can_override_a_condition test_a_statement_of_an_auditor_is_true",
            "Giving each person only one of these policies. Only the policy for approvers allows approvals, and each"
            " of the other policies denies them. So an approver who gets a second policy can no longer approve",
        ),
        _row(
            "6.5.5 no real card numbers (live PANs) before production",
            "",
            "",
            "Checking your test data; this project does not check it",
        ),
        _row(
            "7.2.2, 7.2.5 people and systems have the least privileges",
            "build.BanditRole pipeline.PipelineActions",
            "test_no_allowed_action_is_a_pattern test_every_statement_on_every_resource_is_known_by_its_actions"
            " test_a_principal_may_do_what_it_needs_and_nothing_else",
            "Reviewing every six months who has which policy (7.2.4); REVIEW.md lists what each policy allows",
        ),
        _row(
            "8.6.2 no passwords of system accounts in scripts or files",
            "build.SnykTokenSecret",
            "test_a_secret_is_read_by_one_project_only test_a_secret_comes_from_standard_input_and_is_printed_nowhere",
            "Rotating the secrets of third parties",
        ),
        _row(
            "10.2.1, 10.5.1 audit logs, kept for twelve months",
            "monitoring.HistoryLogGroup network.FlowLogGroup",
            "test_all_logs_and_buckets_but_the_log_delivery_bucket_have_the_environments_key"
            " test_only_its_one_rule_may_write_to_the_history_under_the_key",
            "A CloudTrail trail with data events, and reviewing the logs (10.4)",
        ),
        _row(
            "10.3.2 audit logs and evidence are protected from changes",
            "storage.EvidencePolicy",
            "test_evidence_can_be_put_and_never_replaced test_a_principal_may_do_what_it_needs_and_nothing_else"
            " test_an_administrator_cannot_delete_evidence_of_a_protected_environment",
            "Locking the evidence: set `lock_days` in `[evidence]`. Without this lock, use a service control policy to"
            " limit who may delete the evidence; the policy limits administrators, too",
        ),
        _row(
            "10.7.2 failures of security controls are noticed",
            "monitoring.GateErrors monitoring.RunFailedAlarm",
            "test_a_gate_that_cannot_judge_lets_nothing_pass"
            " test_alarms_are_on_these_metrics_and_each_notifies_somebody",
            "Answering the alarms",
        ),
        _row(
            "11.5.2 unauthorised changes are noticed",
            "",
            "",
            "Running `make drift` on a schedule, to compare the deployed stacks with their templates",
        ),
    ),
    "OWASP Top 10 CI/CD security risks": (
        _row(
            "CICD-SEC-1 flow control",
            "pipeline.Pipeline scan_gate.ScanGate",
            "test_no_stage_after_the_gate_is_entered_without_the_gates_verdict"
            " test_production_is_changed_only_by_the_action_after_its_approval"
            " test_nothing_writes_an_image_or_a_stack_before_the_gate",
            "Protecting the branch from which you release",
        ),
        _row(
            "CICD-SEC-2 identity and access management",
            "pipeline.PipelineRole access.OperatorsPolicy",
            "test_each_action_has_a_role_and_no_two_kinds_share_one"
            " test_a_principal_may_do_what_it_needs_and_nothing_else"
            " test_no_account_is_trusted_with_its_own_roles",
            "Your people's identities, and multi-factor authentication",
        ),
        _row(
            "CICD-SEC-3 dependency chain",
            "build.Safety build.Snyk",
            "test_every_package_of_a_tool_is_pinned_by_version_and_hash",
            "Pinning your application's own dependencies by hash",
        ),
        _row(
            "CICD-SEC-4 poisoned pipeline execution",
            "build.Bandit build.Image",
            "test_the_policy_is_taken_from_the_source_before_anything_runs"
            " test_a_report_in_the_source_is_not_passed_on"
            " test_only_the_project_that_builds_the_image_has_docker",
            "The tests of your application run with the permissions of their CodeBuild project",
        ),
        _row(
            "CICD-SEC-5 pipeline-based access controls",
            "build.UnitTestsRole build.ImageRole",
            "test_every_project_has_limits_a_log_a_key_and_a_role_of_its_own"
            " test_a_principal_may_do_what_it_needs_and_nothing_else",
            "Builds can reach the internet; running them in a VPC is up to you",
        ),
        _row(
            "CICD-SEC-6 credential hygiene",
            "build.SnykTokenSecret build.Secrets",
            "test_a_secret_is_read_by_one_project_only test_secrets_are_reported_without_the_secret",
            "Rotating secrets",
        ),
        _row(
            "CICD-SEC-7 system configuration",
            "storage.Artifacts",
            "test_cfn_lint_reports_no_error_warning_or_informational_finding"
            " test_what_opens_itself_to_the_internet_is_found"
            " test_each_exception_from_the_audit_has_its_reason_where_a_reviewer_reads_it",
            "The account's own settings",
        ),
        _row(
            "CICD-SEC-8 third-party services",
            "build.SnykRole",
            "test_a_secret_is_read_by_one_project_only test_a_principal_may_do_what_it_needs_and_nothing_else",
            "What the third party does with the data that it receives",
        ),
        _row(
            "CICD-SEC-9 artifact integrity",
            "registry.Images pipeline.Pipeline signer.SigningKey review.ApprovalCheck",
            "test_tags_are_immutable_and_every_pushed_image_is_scanned"
            " test_an_image_is_built_pushed_and_noted_by_its_digest"
            " test_sources_are_not_polled_and_an_event_pins_the_version test_what_is_signed_verifies"
            " test_an_unsigned_digest_is_not_deployed"
            " test_no_change_set_is_executed_without_the_check_directly_before_it",
            "Nothing verifies tasks that are started without the pipeline, and ECR has no signatures of the images",
        ),
        _row(
            "CICD-SEC-10 logging and visibility",
            "monitoring.HistoryRule monitoring.RunStuckAlarm",
            "test_every_rule_is_about_this_pipeline_and_reports_undelivered_events"
            " test_alarms_are_on_these_metrics_and_each_notifies_somebody",
            "A CloudTrail trail, and a person who reads it",
        ),
    ),
    "SLSA 1.2, build track": (
        _row(
            "Build L1: provenance exists",
            "signer.Signer storage.Evidence",
            "test_the_provenance_names_what_the_signer_has_looked_at test_evidence_can_be_put_and_never_replaced",
            "Handing it to the users of the image",
        ),
        _row(
            "Build L2: signed provenance from a hosted platform",
            "signer.SigningKey signer.Signer",
            "test_what_is_signed_verifies test_only_the_role_of_the_function_may_sign"
            " test_nothing_is_signed_for_what_does_not_fit",
            "Publishing the fingerprint of the signing key, and verifying the signatures outside the pipeline",
        ),
        _row(
            "Build L3: hardened builds",
            "",
            "",
            "Builds cannot use the signing key. CodeBuild isolates the builds; this project adds no isolation",
        ),
        _row("Source track", "", "", "Your repository keeps the history of the source; this project does not check it"),
    ),
    "AWS deployment pipeline reference architecture": (
        _row(
            "Source: versioned, under access control",
            "storage.Source storage.Templates",
            "test_sources_are_not_polled_and_an_event_pins_the_version"
            " test_a_principal_may_do_what_it_needs_and_nothing_else",
            "The repository before the bucket",
        ),
        _row(
            "Build: unit tests with published results",
            "build.UnitTests build.UnitTestsReports",
            "test_the_unit_tests_run_and_report_as_junit",
            "Writing them",
        ),
        _row(
            "Build: secrets detection, static analysis, composition analysis, each with a threshold",
            "build.Secrets build.Bandit build.Safety",
            "test_a_finding_stops_a_release_from_its_checks_threshold_on test_secrets_are_reported_without_the_secret",
            "The policy of your application",
        ),
        _row(
            "Build: an artifact built once, with a bill of materials",
            "build.Image build.BillOfMaterials",
            "test_an_image_that_is_there_is_not_built_again test_the_bill_of_materials_lists_what_is_pinned",
            "The pipeline signs statements about the image, but does not sign the image in the registry",
        ),
        _row(
            "Test: an environment like production, deployed and tested",
            "pipeline.Pipeline build.SmokeTest",
            "test_staging_is_tested_at_its_published_address_and_rolled_back_after_a_failed_test",
            "Integration, acceptance, performance and resilience tests beyond a smoke test",
        ),
        _row("Test: synthetic tests that run continuously", "", "", "No canary is rendered"),
        _row(
            "Production: manual approval",
            "access.ApproversPolicy pipeline.ProductionApproveActionRole",
            "test_production_is_changed_only_by_the_action_after_its_approval test_a_statement_of_an_auditor_is_true",
            "Naming approvers",
        ),
        _row(
            "Production: progressive deployment with rollback",
            "delivery.CloudFormationRole",
            "test_the_service_gives_up_on_a_bad_release_and_goes_back",
            "Choosing the rollout",
        ),
        _row(
            "Metrics: lead time, frequency, failures, recovery",
            "monitoring.Measure monitoring.Dashboard",
            "test_alarms_are_on_these_metrics_and_each_notifies_somebody",
            "Looking at them",
        ),
    ),
}


def compliance_page() -> str:
    """Return the text of `docs/compliance.md`. The text does not depend on the configuration."""
    lines = [*_HEADER]
    for standard, rows in STANDARDS.items():
        met = sum(bool(row.held_by) for row in rows)
        lines += [
            "",
            f"## {standard}",
            "",
            f"{met} of {len(rows)} requirements have a resource here, and a test for it.",
            "",
        ]
        lines += table(COMPLIANCE_HEADS, (map(markdown_cell, _cells(row)) for row in rows))
    lines += rule_packs_part()
    return "\n".join(lines) + "\n"


_HEADER = (
    "# Compliance",
    "",
    "Generated by `make fmt` from `src/cicd_templates/reference/compliance.py`; do not edit.",
    "",
    "Templates alone do not meet any standard, and nobody has certified these templates. The tables contain only",
    "requirements that a pipeline can meet, in shortened form. Each row has a requirement and these facts:",
    "",
    "- the resources in `out/` (`layer.LogicalId`) that meet the requirement",
    "- the tests or lint rules of this repository that check these resources",
    "- what you still have to do",
    "",
    "A test fails if a listed resource or test does not exist. A requirement without a test counts as not met.",
)


def _cells(row: Requirement) -> tuple[str, ...]:
    resources = ", ".join(f"`{resource}`" for resource in row.resources)
    tests = ", ".join(f"`{name}`" for name in row.held_by)
    return row.asks, resources or NOT_MET, tests or NOT_MET, row.duty
