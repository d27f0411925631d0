"""Rules for cfn-lint, one a file: what has to hold in every template that is rendered here, and would in most others.

cfn-lint loads them by `.cfnlintrc`. They read templates by cfn-lint's API alone, and nothing else of this project.
"""

from cicd_templates.rules.alarms import Alarms
from cicd_templates.rules.aws_managed_policies import AwsManagedPolicies
from cicd_templates.rules.body_size import BodySize
from cicd_templates.rules.build_images import BuildImages
from cicd_templates.rules.codecommit import CodeCommit
from cicd_templates.rules.customer_key import CustomerKey
from cicd_templates.rules.data_fate import DataFate
from cicd_templates.rules.every_resource import EveryResource
from cicd_templates.rules.explicit_logs import ExplicitLogs
from cicd_templates.rules.inline_code import InlineCode
from cicd_templates.rules.listener_tls import ListenerTls
from cicd_templates.rules.literal_secrets import LiteralSecrets
from cicd_templates.rules.log_retention import LogRetention
from cicd_templates.rules.negations import Negations
from cicd_templates.rules.open_groups import OpenGroups
from cicd_templates.rules.pass_role import PassRole
from cicd_templates.rules.physical_names import PhysicalNames
from cicd_templates.rules.pipeline_shape import PipelineShape
from cicd_templates.rules.public_buckets import PublicBuckets
from cicd_templates.rules.resource_policies import ResourcePolicies
from cicd_templates.rules.role_boundary import RoleBoundary
from cicd_templates.rules.suppressions import Suppressions
from cicd_templates.rules.tags import RequiredTags
from cicd_templates.rules.timeouts import Timeouts
from cicd_templates.rules.tls_only import TlsOnly
from cicd_templates.rules.trust_policies import TrustPolicies
from cicd_templates.rules.wildcard_actions import WildcardActions

# By id, which is the order of the document.
RULES = (
    CustomerKey,
    TlsOnly,
    ListenerTls,
    LiteralSecrets,
    WildcardActions,
    EveryResource,
    Negations,
    AwsManagedPolicies,
    CodeCommit,
    TrustPolicies,
    ResourcePolicies,
    PassRole,
    RoleBoundary,
    RequiredTags,
    PhysicalNames,
    PublicBuckets,
    OpenGroups,
    DataFate,
    LogRetention,
    ExplicitLogs,
    Timeouts,
    Alarms,
    BuildImages,
    PipelineShape,
    InlineCode,
    BodySize,
    Suppressions,
)
