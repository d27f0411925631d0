"""Creates the load balancer that the services of an environment share, its listeners and its security group."""

from __future__ import annotations

from troposphere import AWSHelperFn, GetAtt, ec2
from troposphere import elasticloadbalancingv2 as elb

from cicd_templates.blocks.networks import NO_EGRESS, name_tag
from cicd_templates.blocks.removal_policies import exempt_from_check
from cicd_templates.config import reserved_words
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import physical_name
from cicd_templates.layer.outputs import BucketName, SubnetIds, VpcId

# TLS 1.3 and 1.2 with forward secrecy:
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
HTTPS_PORT = 443
HTTP_PORT = 80
# A new release is tested on this port before clients can reach the release. Only the environment's own functions can
# connect to this port.
TEST_PORT = 8443


def public_port(env: Environment) -> int:
    """Return the port that clients use: 443 for HTTPS, or 80 for plain HTTP if `allow_http` is set."""
    return HTTP_PORT if env.settings.allow_http else HTTPS_PORT


PLAIN_HTTP = "The configuration allows plain HTTP in this disposable environment, which has no certificate"


def load_balancer_group(logical_id: str, env: Environment, vpc: VpcId) -> ec2.SecurityGroup:
    """Return a security group that admits clients on the public port.

    The group itself allows no outgoing traffic: each service adds an egress rule for the traffic to its own tasks.
    """
    port = public_port(env)
    group = ec2.SecurityGroup(
        logical_id,
        GroupName=physical_name(env, "AWS::EC2::SecurityGroup", reserved_words.LOAD_BALANCER),
        GroupDescription="Clients to the shared load balancer",
        VpcId=vpc,
        SecurityGroupIngress=[
            ec2.SecurityGroupRule(
                IpProtocol="tcp",
                FromPort=port,
                ToPort=port,
                CidrIp="0.0.0.0/0",
                Description="Clients anywhere",
            )
        ],
        SecurityGroupEgress=[NO_EGRESS],
        Tags=name_tag(env, "load-balancer"),
    )
    return exempt_from_check(group, "CKV_AWS_260", PLAIN_HTTP) if env.settings.allow_http else group


def load_balancer(
    logical_id: str, env: Environment, group: ec2.SecurityGroup, subnets: SubnetIds, logs: BucketName
) -> elb.LoadBalancer:
    """Return an internet-facing application load balancer that logs every request and drops malformed headers."""
    attributes = {
        "access_logs.s3.bucket": logs,
        "access_logs.s3.enabled": "true",
        "access_logs.s3.prefix": "alb",
        "deletion_protection.enabled": "true" if env.protected else "false",
        "routing.http.drop_invalid_header_fields.enabled": "true",
    }
    return elb.LoadBalancer(
        logical_id,
        Name=physical_name(env, "AWS::ElasticLoadBalancingV2::LoadBalancer", "alb"),
        Type="application",
        Scheme="internet-facing",
        Subnets=subnets,
        SecurityGroups=[GetAtt(group, "GroupId")],
        LoadBalancerAttributes=[elb.LoadBalancerAttributes(Key=key, Value=value) for key, value in attributes.items()],
    )


def test_listener_ingress(number: int, group: ec2.SecurityGroup, source: AWSHelperFn) -> ec2.SecurityGroupIngress:
    """Return an ingress rule that lets the environment's Lambda functions connect to the load balancer's test listener.

    The functions call the load balancer's public addresses, so their requests come from a NAT gateway. `source` is the
    address range of this gateway. A rule with the functions' security group as its source would not match.
    """
    return ec2.SecurityGroupIngress(
        f"TestFromNat{number}",
        GroupId=GetAtt(group, "GroupId"),
        IpProtocol="tcp",
        FromPort=TEST_PORT,
        ToPort=TEST_PORT,
        CidrIp=source,
        Description="Hooks that test a new release",
    )


def listener(logical_id: str, env: Environment, balancer: elb.LoadBalancer, port: int) -> elb.Listener:
    """Return a listener that all services share. If a request matches no rule of a service, the response is 404."""
    nothing_here = elb.Action(
        Type="fixed-response",
        FixedResponseConfig=elb.FixedResponseConfig(
            StatusCode="404", ContentType="text/plain", MessageBody="Not found"
        ),
    )
    certificate = env.settings.certificate_arn
    shared = elb.Listener(
        logical_id,
        LoadBalancerArn=balancer.ref(),
        Port=port,
        Protocol="HTTPS" if certificate else "HTTP",
        DefaultActions=[nothing_here],
    )
    if certificate:
        shared.Certificates = [elb.Certificate(CertificateArn=certificate)]
        shared.SslPolicy = TLS_POLICY
        return shared
    return exempt_from_check(exempt_from_check(shared, "CKV_AWS_2", PLAIN_HTTP), "CKV_AWS_103", PLAIN_HTTP)
