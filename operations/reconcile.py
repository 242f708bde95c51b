"""`make reconcile`: has Reconcile look for lost uploads and untold runs now, as its schedule does, and further back if asked.

It does not wait: Reconcile may take a quarter of an hour, and says in its log what it found.
"""

from __future__ import annotations

import argparse
import json
import sys

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from operations.stack import resources_of

MOST_DAYS = 29


def main(arguments: list[str] | None = None) -> int:
    """Prints where to look; 0 where Reconcile was started, 2 where AWS said no."""
    parser = argparse.ArgumentParser(prog="make reconcile", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--stack", default="StreamQC", help="the CloudFormation stack (default: %(default)s)")
    parser.add_argument(
        "--days",
        type=float,
        default=3,
        help=f"how far back to look, at most {MOST_DAYS}: claims are remembered for 30 (default: %(default)s)",
    )
    asked = parser.parse_args(arguments)
    if not 0 < asked.days <= MOST_DAYS:
        parser.error(f"--days {asked.days:g} is not between 0 and {MOST_DAYS}")
    try:
        found = resources_of(
            asked.stack, {"Reconcile": "AWS::Lambda::Function", "ReconcileLogs": "AWS::Logs::LogGroup"}
        )
        payload = json.dumps({"Days": asked.days})
        boto3.client("lambda").invoke(FunctionName=found["Reconcile"], InvocationType="Event", Payload=payload)
    except (BotoCoreError, ClientError, LookupError) as error:
        print(f"reconcile: {error}", file=sys.stderr)
        return 2
    print(f"Reconcile looks at the last {asked.days:g} days. What it found it says here, in the line `reconciled`:")
    print(f"aws logs tail {found['ReconcileLogs']} --since 5m --follow")
    return 0


if __name__ == "__main__":
    sys.exit(main())
