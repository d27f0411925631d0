"""Alarms: each on a metric that exists, with the choice of what missing data means, and somebody who is told.

Nothing that a pipeline measures is there while it rests, so missing data never is a breach. What must run all the time
is told of when it falls silent: an alarm without data for that long changes its state, and that has an action.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from troposphere import AWSHelperFn, Sub, cloudwatch

from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import physical_name
from cicd_templates.layer.outputs import TopicArn

# Where our own measures stand; the functions that write them and the alarms that read them agree here.
NAMESPACE = "CicdTemplates"


@dataclass(frozen=True)
class Metric:
    """A metric with its dimensions, and how its values of one period become one. `period` is in seconds."""

    namespace: str
    name: str
    dimensions: Mapping[str, AWSHelperFn | str]
    statistic: str = "Maximum"
    period: int = 300

    def dimension_list(self) -> list[cloudwatch.MetricDimension]:
        """The dimensions as CloudFormation wants them."""
        return [cloudwatch.MetricDimension(Name=name, Value=value) for name, value in self.dimensions.items()]

    def data_query(self, query_id: str) -> cloudwatch.MetricDataQuery:
        """The metric as an input of an expression."""
        return cloudwatch.MetricDataQuery(
            Id=query_id,
            MetricStat=cloudwatch.MetricStat(
                Metric=cloudwatch.Metric(
                    Namespace=self.namespace, MetricName=self.name, Dimensions=self.dimension_list()
                ),
                Period=self.period,
                Stat=self.statistic,
            ),
            ReturnData=False,
        )


def alarm(
    logical_id: str,
    env: Environment,
    words: Sequence[str],
    description: str,
    metric: Metric,
    *,
    above: float,
    tell: Sequence[TopicArn],
    periods: int = 1,
) -> cloudwatch.Alarm:
    """Tells `tell` when the value of each of `periods` periods in a row is above `above`."""
    return _alarm(
        logical_id,
        env,
        words,
        description,
        above,
        tell,
        periods,
        Namespace=metric.namespace,
        MetricName=metric.name,
        Dimensions=metric.dimension_list(),
        Statistic=metric.statistic,
        Period=metric.period,
    )


def computed_alarm(
    logical_id: str,
    env: Environment,
    words: Sequence[str],
    description: str,
    metrics: Mapping[str, Metric],
    expression: str,
    *,
    above: float,
    tell: Sequence[TopicArn],
    periods: int = 1,
) -> cloudwatch.Alarm:
    """Tells `tell` when what `expression` makes of `metrics`, named by their keys, is above `above`.

    In each of `periods` periods in a row.
    """
    queries = [metric.data_query(query_id) for query_id, metric in metrics.items()]
    result = cloudwatch.MetricDataQuery(Id="result", Expression=expression, Label=words[-1], ReturnData=True)
    return _alarm(logical_id, env, words, description, above, tell, periods, Metrics=[*queries, result])


def _alarm(
    logical_id: str,
    env: Environment,
    words: Sequence[str],
    description: str,
    above: float,
    tell: Sequence[TopicArn],
    periods: int,
    **measured: Any,
) -> cloudwatch.Alarm:
    return cloudwatch.Alarm(
        logical_id,
        AlarmName=physical_name(env, "AWS::CloudWatch::Alarm", *words),
        AlarmDescription=description,
        **measured,
        EvaluationPeriods=periods,
        Threshold=above,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        ActionsEnabled=True,
        AlarmActions=list(tell),
    )


def in_some_of(made: cloudwatch.Alarm, datapoints: int) -> cloudwatch.Alarm:
    """`made`, which tells when `datapoints` of its periods are above its limit, in a row or not."""
    made.DatapointsToAlarm = datapoints
    return made


def arriving_late(made: cloudwatch.Alarm, periods: int) -> cloudwatch.Alarm:
    """`made`, which looks at a value still that arrives up to `periods` periods after what it counts."""
    made.EvaluationPeriods, made.DatapointsToAlarm = periods, 1
    return made


def telling_of_silence(made: cloudwatch.Alarm, periods: int) -> cloudwatch.Alarm:
    """`made`, which also tells when it has had no value for `periods` periods.

    Missing data that is `missing` makes it change its state then, which has an action. A new alarm begins in that
    state, so it says nothing before its first value:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
    """
    made.TreatMissingData, made.InsufficientDataActions = "missing", made.AlarmActions
    return arriving_late(made, periods)


def any_of(
    logical_id: str,
    env: Environment,
    words: Sequence[str],
    description: str,
    alarms: Sequence[cloudwatch.Alarm],
    tell: Sequence[TopicArn],
) -> cloudwatch.CompositeAlarm:
    """Tells `tell` when the first of `alarms` goes off, and not again for the others."""
    rule = " OR ".join(f'ALARM("${{{each.title}}}")' for each in alarms)
    return cloudwatch.CompositeAlarm(
        logical_id,
        AlarmName=physical_name(env, "AWS::CloudWatch::Alarm", *words),
        AlarmDescription=description,
        AlarmRule=Sub(rule),
        ActionsEnabled=True,
        AlarmActions=list(tell),
    )


def function_errors(
    logical_id: str, env: Environment, words: Sequence[str], function: AWSHelperFn | str, tell: Sequence[TopicArn]
) -> cloudwatch.Alarm:
    """Tells of an invocation that raised: AWS/Lambda Errors.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    """
    metric = Metric("AWS/Lambda", "Errors", {"FunctionName": function}, statistic="Sum")
    return alarm(
        logical_id, env, [*words, "errors"], f"The function {words[-1]} raised an error", metric, above=0, tell=tell
    )
