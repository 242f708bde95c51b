"""`make reconcile`: invokes Reconcile now, as its schedule does: it looks for lost uploads and for failed runs to close.

It does not wait: Reconcile may take a quarter of an hour, and writes what it found to its log.
"""

from __future__ import annotations

import argparse
import json
import sys

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from operations.stack import resources_of
from pipeline.claims import REMEMBERED_DAYS

MOST_DAYS = REMEMBERED_DAYS - 1


def main(arguments: list[str] | None = None) -> int:
    """Prints where to look. Returns 0 if Reconcile was invoked, 2 if AWS refused."""
    parser = argparse.ArgumentParser(prog="make reconcile", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--stack", default="StreamQC", help="the CloudFormation stack (default: %(default)s)")
    parser.add_argument(
        "--days",
        type=float,
        default=3,
        help=f"days to look back, at most {MOST_DAYS}: uploads are remembered for {REMEMBERED_DAYS} (default: %(default)s)",
    )
    asked = parser.parse_args(arguments)
    if not 0 < asked.days <= MOST_DAYS:
        parser.error(f"--days {asked.days:g} is not between 0 and {MOST_DAYS}")
    try:
        found = resources_of(
            asked.stack, {"Reconcile": "AWS::Lambda::Function", "ReconcileLogs": "AWS::Logs::LogGroup"}
        )
        payload = json.dumps({"Days": asked.days, "SettlingSeconds": 0})  # a claim tells what is being started
        boto3.client("lambda").invoke(FunctionName=found["Reconcile"], InvocationType="Event", Payload=payload)
    except (BotoCoreError, ClientError, LookupError) as error:
        print(f"reconcile: {error}", file=sys.stderr)
        return 2
    print(f"Reconcile is looking at the last {asked.days:g} days. Its log has the result, in the line `reconciled`:")
    print(f"aws logs tail {found['ReconcileLogs']} --since 5m --follow")
    return 0


if __name__ == "__main__":
    sys.exit(main())
