from __future__ import annotations

import pytest

from stacks.cdk import with_joined_emails


@pytest.mark.parametrize(
    ("given", "made"),
    [
        (["deploy"], ["deploy"]),
        (["deploy", "-c", "alertEmail=a@x.org"], ["deploy", "-c", "alertEmail=a@x.org"]),
        (
            [
                "deploy",
                "-c",
                "alertEmail=a@x.org",
                "-c",
                "detailsDays=3",
                "--context=alertEmail=b@x.org",
                "--context",
                "alertEmail=c@x.org",
            ],
            ["deploy", "-c", "detailsDays=3", "-c", "alertEmail=a@x.org,b@x.org,c@x.org"],
        ),
        (["deploy", "-c"], ["deploy", "-c", ""]),
    ],
)
def test_repeated_alert_emails_are_all_kept(given: list[str], made: list[str]) -> None:
    assert with_joined_emails(given) == made
