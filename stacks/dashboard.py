"""The CloudWatch dashboard: the streams and how they stand, and the metrics beside them."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.functions import Functions
from stacks.safety_net import SafetyNet
from stacks.state_machine import QCStateMachine
from stacks.topics import Topics
from stacks.trigger import Triggers
from stream_qc.vocabulary import PROCESSES

WIDTH = 24  # of a dashboard
PERIOD = Duration.minutes(5)
STATUSES = {
    "PASS": cloudwatch.Color.GREEN,
    "FAIL": cloudwatch.Color.RED,
    "ERROR": cloudwatch.Color.PURPLE,
    "REJECTED": cloudwatch.Color.GREY,
}


class Dashboard:
    """The dashboard. url: where it is, or None without it. To see the streams one must be allowed to invoke ShowStreams."""

    def __init__(
        self,
        scope: Construct,
        functions: Functions,
        machine: QCStateMachine,
        topics: Topics,
        triggers: Triggers,
        safety_net: SafetyNet,
    ) -> None:
        self.url: str | None = None
        if functions.show_streams is None:
            return
        stack = Stack.of(scope)
        self._namespace = stack.stack_name
        name = stack.stack_name
        dashboard = cloudwatch.Dashboard(scope, "Dashboard", dashboard_name=name)
        self.url = f"https://{stack.region}.console.aws.amazon.com/cloudwatch/home?region={stack.region}#dashboards/dashboard/{name}"
        streams = cloudwatch.CustomWidget(
            title="Streams",
            function_arn=functions.show_streams.function_arn,
            params={"view": "streams"},
            update_on_refresh=True,
            update_on_resize=False,
            width=WIDTH,
            height=14,
        )
        lambdas = [
            *functions.steps,
            functions.reconcile,
            functions.send_mail,
            functions.check_rules,
            functions.check_arrivals,
        ]
        waiting = {
            "uploads without a run": triggers.undelivered,
            "failed runs not closed": safety_net.unclosed,
            "rules not checked": triggers.unchecked,
            "messages for the next mail": topics.outbox,
        }
        dashboard.add_widgets(streams)
        dashboard.add_widgets(
            _graph("Runs by verdict", [self._runs(status, color) for status, color in STATUSES.items()], stacked=True),
            _graph("Rows", [self._of_process("Rows", 1)]),
            _graph("Bytes", [self._of_process("Bytes", 1)]),
        )
        dashboard.add_widgets(
            _graph(
                "Seconds by process (99 of 100)",
                [self._of_process("Seconds", number, "p99") for number in PROCESSES],
            ),
            _graph(
                "Executions that did not succeed",
                [
                    machine.metric_failed(period=PERIOD, label="failed"),
                    machine.metric_timed_out(period=PERIOD, label="timed out"),
                    machine.metric_aborted(period=PERIOD, label="stopped"),
                    machine.metric_throttled(period=PERIOD, label="throttled"),
                ],
            ),
            _graph("Errors of functions", [one.metric_errors(period=PERIOD, label=one.node.id) for one in lambdas]),
        )
        dashboard.add_widgets(
            _graph(
                "Throttles of functions", [one.metric_throttles(period=PERIOD, label=one.node.id) for one in lambdas]
            ),
            _graph(
                "Waiting in queues",
                [
                    queue.metric_approximate_number_of_messages_visible(
                        period=PERIOD, statistic=cloudwatch.Stats.MAXIMUM, label=label
                    )
                    for label, queue in waiting.items()
                ],
            ),
            _graph("Streams that became overdue", [self._metric("StreamsOverdue", "CheckArrivals", {}, "overdue")]),
        )

    def _runs(self, status: str, color: str) -> cloudwatch.IMetric:
        """Returns the runs with this verdict, whichever function has sent their summary."""
        searched = f'{{"{self._namespace}",service,Status}} MetricName="Runs" Status="{status}"'
        return cloudwatch.MathExpression(
            expression=f"SUM(SEARCH('{searched}', 'Sum', {PERIOD.to_seconds()}))",
            label=status,
            color=color,
            period=PERIOD,
        )

    def _of_process(self, name: str, number: int, statistic: str = cloudwatch.Stats.SUM) -> cloudwatch.IMetric:
        return self._metric(name, f"QCProcess{number}", {"Process": PROCESSES[number]}, PROCESSES[number], statistic)

    def _metric(
        self, name: str, service: str, dimensions: dict[str, str], label: str, statistic: str = cloudwatch.Stats.SUM
    ) -> cloudwatch.Metric:
        """Returns a metric of the functions; Powertools adds the dimension `service`, the function's name."""
        return cloudwatch.Metric(
            namespace=self._namespace,
            metric_name=name,
            dimensions_map={"service": service, **dimensions},
            label=label,
            statistic=statistic,
            period=PERIOD,
        )


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric], *, stacked: bool = False) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=[*metrics], stacked=stacked, width=WIDTH // 3, height=6)
