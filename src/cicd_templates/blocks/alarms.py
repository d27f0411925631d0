"""Creates CloudWatch alarms. Each alarm uses an existing metric and notifies SNS topics.

By default, missing data is not a breach, because a pipeline without runs has no data. A function that must run all the
time gets an alarm from `missing_data_alarm`, which also notifies if data is missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from troposphere import AWSHelperFn, Sub, cloudwatch

from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import physical_name
from cicd_templates.layer.outputs import TopicArn

# The namespace of our own metrics: functions write to it, and alarms read from it.
METRIC_NAMESPACE = "CicdTemplates"


FILLED_WITH_ZERO = re.compile(r"FILL\(\w+, 0\)")


class Metric(NamedTuple):
    """A CloudWatch metric with its dimensions. CloudWatch calculates `statistic` (such as `Sum`) for every `period`
    seconds.
    """

    namespace: str
    name: str
    dimensions: Mapping[str, AWSHelperFn | str]
    statistic: str = "Maximum"
    period: int = 300

    def dimension_list(self) -> list[cloudwatch.MetricDimension]:
        """Return the dimensions as a list for the alarm's CloudFormation resource."""
        return [cloudwatch.MetricDimension(Name=name, Value=value) for name, value in self.dimensions.items()]

    def data_query(self, query_id: str) -> cloudwatch.MetricDataQuery:
        """Return a metric query. Metric math expressions refer to the query as `query_id`."""
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
    """Return an alarm that notifies `tell` if `metric` exceeds `above` in `periods` consecutive periods.

    `tell` has the ARNs of SNS topics.
    """
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
    datapoints: int | None = None,
) -> cloudwatch.Alarm:
    """Return an alarm that notifies the topics in `tell` if the value of `expression` exceeds `above`.

    The alarm fires if the value exceeds `above` in at least `datapoints` of the last `periods` periods. The default of
    `datapoints` is `periods`. The expression refers to each metric by its key in `metrics`.

    Raises `ValueError` if the expression replaces missing values with 0, and `datapoints` is not less than `periods`.
    Metric values arrive late, so the newest period would always have the value 0, and the alarm would never fire:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
    """
    if FILLED_WITH_ZERO.search(expression) and not (datapoints or periods) < periods:
        raise ValueError(f"{logical_id} fills missing values with 0, so its `datapoints` must be less than `periods`")
    queries = [metric.data_query(query_id) for query_id, metric in metrics.items()]
    result = cloudwatch.MetricDataQuery(Id="result", Expression=expression, Label=words[-1], ReturnData=True)
    computed = _alarm(logical_id, env, words, description, above, tell, periods, Metrics=[*queries, result])
    return computed if datapoints is None else m_of_n_alarm(computed, datapoints)


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


def m_of_n_alarm(base: cloudwatch.Alarm, datapoints: int) -> cloudwatch.Alarm:
    """Make `base` fire if at least `datapoints` of its evaluation periods breach the threshold. Return `base`.

    The periods that breach the threshold need not be consecutive.
    """
    base.DatapointsToAlarm = datapoints
    return base


def late_data_alarm(base: cloudwatch.Alarm, periods: int) -> cloudwatch.Alarm:
    """Make `base` evaluate the last `periods` periods, because values can arrive late. Return this alarm."""
    base.EvaluationPeriods, base.DatapointsToAlarm = periods, 1
    return base


def missing_data_alarm(base: cloudwatch.Alarm, periods: int) -> cloudwatch.Alarm:
    """Change `base` so that it also notifies if its metric has no value for `periods` periods. Return this alarm.

    Without data, the alarm changes to INSUFFICIENT_DATA, and this change sends the notification. A new alarm is in
    INSUFFICIENT_DATA from the beginning, so it does not notify before its metric has had a value:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
    """
    base.TreatMissingData, base.InsufficientDataActions = "missing", base.AlarmActions
    return late_data_alarm(base, periods)


def composite_alarm(
    logical_id: str,
    env: Environment,
    words: Sequence[str],
    description: str,
    alarms: Sequence[cloudwatch.Alarm],
    tell: Sequence[TopicArn],
) -> cloudwatch.CompositeAlarm:
    """Return a composite alarm that notifies the SNS topics in `tell` when one of `alarms` changes to ALARM.

    While the composite alarm is in ALARM, it does not notify again.
    """
    rule = " OR ".join(f'ALARM("${{{member.title}}}")' for member in alarms)
    return cloudwatch.CompositeAlarm(
        logical_id,
        AlarmName=physical_name(env, "AWS::CloudWatch::Alarm", *words),
        AlarmDescription=description,
        AlarmRule=Sub(rule),
        ActionsEnabled=True,
        AlarmActions=list(tell),
    )


def function_error_alarm(
    logical_id: str, env: Environment, words: Sequence[str], function: AWSHelperFn | str, tell: Sequence[TopicArn]
) -> cloudwatch.Alarm:
    """Return an alarm on invocations of `function` that raised an error.

    It uses the metric `Errors` of `AWS/Lambda`:
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    """
    metric = Metric("AWS/Lambda", "Errors", {"FunctionName": function}, statistic="Sum")
    return alarm(
        logical_id, env, [*words, "errors"], f"The function {words[-1]} raised an error", metric, above=0, tell=tell
    )
