"""Lists, by resource type, the properties that set the encryption key. A test compares them with cfn-lint's schemas.

A path in the list says which property of a resource must name a key:

- `a/b`: the property `a/b` of every resource of the type.
- `a/b > c/d`: the property `a/b/c/d` of every resource of the type that has the property `a/b`.

In a path, `*` stands for each item of a list.
"""

from __future__ import annotations

from collections.abc import Mapping

from cicd_templates.template.encryption_by_type import services_a_to_l, services_m_to_z

KEY_OF: Mapping[str, tuple[str, ...]] = {**services_a_to_l.KEY_OF, **services_m_to_z.KEY_OF}

# Types with a property that looks like an encryption key but does not have to be set, each with the reason.
NO_KEY: Mapping[str, str] = {
    "AWS::BedrockAgentCore::OAuth2CredentialProvider": "the key signs tokens and encrypts nothing",
    "AWS::CodeCommit::Repository": "E9115 refuses the type",
    "AWS::Lambda::EventSourceMapping": "the key encrypts only filter criteria, which are not data",
    "AWS::MediaConnect::Flow": "MediaConnect encrypts its streams with keys from Secrets Manager",
    "AWS::MediaConnect::FlowOutput": "MediaConnect encrypts its streams with keys from Secrets Manager",
    "AWS::MediaConnect::RouterInput": "MediaConnect encrypts its streams with keys from Secrets Manager",
    "AWS::MediaConnect::RouterOutput": "MediaConnect encrypts its streams with keys from Secrets Manager",
    "AWS::SupportAuthZ::SupportPermit": "the key signs a permit and encrypts nothing",
}
