"""The Lambdas, in the order of a run. permissions.py has what each may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import Duration, RemovalPolicy, Size, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.packaging import packages_layer_code
from stacks.review import ANY, accept, aws_managed_key
from stacks.settings import Settings
from stacks.storage import Storage
from stacks.topics import Topics

ACCEPTED = {
    ("AwsSolutions-L1",): "Python 3.13 is what the locked packages are built for",
    ("CKV_AWS_115",): "a limit would turn bursts into throttles; see docs/reliability.md, Load",
    ("CKV_AWS_116",): (
        "the state machine invokes the steps, retries and catches them; CloseRun and CheckRules have an OnFailure queue; "
        "schedules invoke others again; and who asks for an answer gets it, or an error"
    ),
    ("CKV_AWS_117",): "it calls AWS APIs only; a VPC would add cost and no protection",
    ("CKV_AWS_173",): "the variables hold names of resources and no secrets",
}
SOURCE = Path(__file__).resolve().parent.parent / "functions"


@dataclass(frozen=True)
class RerunFunctions:
    """The steps of a rerun in bulk."""

    list_streams: lambda_.Function
    try_rules: lambda_.Function
    end_rerun: lambda_.Function

    @property
    def steps(self) -> list[lambda_.Function]:
        return [self.list_streams, self.try_rules, self.end_rerun]


class Functions:
    """Every Lambda of the stack. `steps` are those that the state machine invokes."""

    def __init__(self, scope: Construct, storage: Storage, topics: Topics, settings: Settings) -> None:
        self._scope = scope
        self._key = storage.key
        self._code = lambda_.Code.from_asset(str(SOURCE), exclude=["**/__pycache__", "**/*.egg-info"])
        self._layers = _packages(scope, settings)
        streams = {"STREAM_BUCKET": storage.streams.bucket_name}
        once = {"CLAIMS_TABLE": storage.idempotency.table_name}
        summary = {"SUMMARY_TABLE": storage.summary.table_name}
        states = {"STREAMS_TABLE": storage.states.table_name}
        details = {"DETAILS_TABLE": storage.details.table_name}
        checking = {
            **streams,
            **summary,
            **details,
            "DETAILS_DAYS": str(settings.details_days),
            "POLARS_MAX_THREADS": "1",
        }
        reports = {"RESULTS_BUCKET": storage.results.bucket_name} if storage.results else {}

        split = settings.split_above_mib if reports else 0
        above = {"SPLIT_ABOVE_MIB": str(split)}
        self.start_qc = self._function(
            "StartQC", "step_1_start_qc.handler", {**streams, **summary, **states, **once, **above}, seconds=120
        )
        cutting = {**streams, **reports, **above, "POLARS_MAX_THREADS": "1"}
        self.plan_parts = self._function("PlanParts", "plan_parts.handler", cutting, seconds=300) if split else None
        self.count_rows = self._function("CountRows", "count_rows.handler", cutting, seconds=900) if split else None
        self.processes = [
            self._function(
                f"QCProcess{number}",
                f"step_2_qc_process.{name}",
                {**checking, **reports},
                seconds=900,  # Lambda's limit
                memory_mib=settings.process_memory_mib,
                disk=Size.gibibytes(10),  # for Parquet files, and for the keys that `unique` compares
            )
            for number, name in enumerate(("structure", "values", "continuity"), start=1)
        ]
        self.end_qc = self._function("EndQC", "step_3_end_qc.handler", {**summary, **states}, seconds=60)
        publishing = {**summary, **details, **once, "RESULTS_TOPIC": topics.results.topic_arn}
        self.send_qc_summary = self._function(
            "SendQCSummary",
            "step_4_send_qc_summary.handler",
            {**publishing, **reports, "REPORT_LINK_HOURS": str(settings.report_link_hours)},
            seconds=180,
        )
        flags = {**streams, **summary, **reports, "POLARS_MAX_THREADS": "1"}
        self.write_flags = (
            self._function(
                "WriteFlags",
                "step_6_write_flags.handler",
                flags,
                seconds=900,
                memory_mib=settings.process_memory_mib,
                disk=Size.gibibytes(10),  # for the tables
            )
            if reports
            else None
        )
        self.write_report = (
            self._function("WriteReport", "step_5_write_report.handler", {**summary, **reports}, seconds=60)
            if reports
            else None
        )

        self.send_mail = self._function(
            "SendMail",
            "send_mail.handler",
            {
                **once,
                "OUTBOX": topics.outbox.queue_url,
                "EMAIL_TOPIC": topics.email.topic_arn,
                "EMAIL_FOR": settings.email_for,
            },
            seconds=300,
            memory_mib=256,
        )

        # For rules that are uploaded, and for files that do not come.
        self.check_rules = self._function(
            "CheckRules",
            "check_rules.handler",
            {**streams, **states, **once, "RESULTS_TOPIC": topics.results.topic_arn, "POLARS_MAX_THREADS": "1"},
            seconds=300,
        )
        self.check_arrivals = self._function(
            "CheckArrivals",
            "check_arrivals.handler",
            {**streams, **states, **once, "RESULTS_TOPIC": topics.results.topic_arn, "POLARS_MAX_THREADS": "1"},
            seconds=300,
        )

        # For what people and programs ask. API Gateway waits for half a minute.
        reading = {**summary, **states, **details, **reports}
        self.serve_api = self._function("ServeApi", "serve_api.handler", reading, seconds=60) if settings.api else None
        self.show_streams = (
            self._function("ShowStreams", "show_streams.handler", reading, seconds=60) if settings.dashboard else None
        )

        self.reruns = (
            self._of_reruns(
                settings, {**streams, **reports}, {**once, "RESULTS_TOPIC": topics.results.topic_arn}, states
            )
            if reports
            else None
        )

        # For failed runs, in the state machine and outside it, and for uploads that never became a run.
        self.close_run = self._function("CloseRun", "close_run.handler", {**publishing, **states}, seconds=300)
        self.reconcile = self._function("Reconcile", "reconcile.handler", {**streams, **summary, **once}, seconds=900)

    @property
    def steps(self) -> list[lambda_.Function]:
        """The functions that the state machine invokes."""
        report = [one for one in (self.write_report, self.write_flags) if one]
        parts = [one for one in (self.plan_parts, self.count_rows) if one]
        return [self.start_qc, *parts, *self.processes, self.end_qc, self.send_qc_summary, *report, self.close_run]

    def _of_reruns(
        self, settings: Settings, files: Mapping[str, str], telling: Mapping[str, str], states: Mapping[str, str]
    ) -> RerunFunctions:
        pace = {"RERUNS_AT_ONCE": str(settings.reruns_at_once)}
        linked = {"REPORT_LINK_HOURS": str(settings.report_link_hours)}
        return RerunFunctions(
            list_streams=self._function(
                "ListStreams", "list_streams.handler", {**files, **telling, **states, **pace}, seconds=900
            ),
            try_rules=self._function(
                "TryRules",
                "try_rules.handler",
                {**files, "POLARS_MAX_THREADS": "1"},
                seconds=900,
                memory_mib=settings.process_memory_mib,
                disk=Size.gibibytes(10),  # for Parquet files, and for the keys that `unique` compares
            ),
            end_rerun=self._function(
                "EndRerun", "end_rerun.handler", {**files, **telling, **linked}, seconds=900, memory_mib=1769
            ),
        )

    def _function(
        self,
        name: str,
        handler: str,
        environment: Mapping[str, str],
        *,
        seconds: int,
        memory_mib: int = 512,
        disk: Size | None = None,
    ) -> lambda_.Function:
        log_group = logs.LogGroup(
            self._scope,
            f"{name}Logs",
            encryption_key=self._key,
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=RemovalPolicy.DESTROY,
        )
        # A role of its own: the construct's default has a managed policy.
        role = iam.Role(self._scope, f"{name}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(role)
        accept(role, ANY, reason="X-Ray accepts only * for traces")
        if not self._key:
            aws_managed_key(log_group, "CKV_AWS_158")
        function = lambda_.Function(
            self._scope,
            name,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            code=self._code,
            handler=handler,
            layers=self._layers,
            role=role,
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            tracing=lambda_.Tracing.ACTIVE,
            timeout=Duration.seconds(seconds),
            memory_size=memory_mib,
            ephemeral_storage_size=disk,
            current_version_options=lambda_.VersionOptions(removal_policy=RemovalPolicy.RETAIN),
            environment={
                **environment,
                "POWERTOOLS_SERVICE_NAME": name,
                "POWERTOOLS_METRICS_NAMESPACE": Stack.of(self._scope).stack_name,
                "POWERTOOLS_LOG_LEVEL": "INFO",
            },
        )
        for rules, reason in ACCEPTED.items():
            accept(function, *rules, reason=reason)
        return function


def _packages(scope: Construct, settings: Settings) -> list[lambda_.ILayerVersion]:
    if not settings.packages:
        return []
    layer = lambda_.LayerVersion(
        scope,
        "Packages",
        code=packages_layer_code(settings.target),
        compatible_runtimes=[lambda_.Runtime.PYTHON_3_13],
        compatible_architectures=[lambda_.Architecture.ARM_64],
        description="The functions' packages, from requirements/functions.txt",
    )
    return [layer]
