"""AWS's prices of one request, in US dollars, in us-east-1, of the first tier and without the free one.

They were read on 2026-11-27 in copies of AWS's price list (https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/), published
from July to October 2026, except where a comment says otherwise.
"""

from __future__ import annotations

DATE = "2026-11-27"
REGION = "us-east-1"

MILLION = 1_000_000
PRICES = {
    "state transition": 25 / MILLION,  # workshop texts of AWS; the price list was not read
    "Lambda GB-second": 13.3334 / MILLION,  # arm64
    "Lambda disk GB-second": 0.0309 / MILLION,  # above 512 MB; the price list of us-east-2
    "Lambda invocation": 0.2 / MILLION,
    "S3 PUT and LIST": 5 / MILLION,
    "S3 GET and HEAD": 0.4 / MILLION,
    "DynamoDB write unit": 0.625 / MILLION,
    "DynamoDB read unit": 0.125 / MILLION,
    "SNS publish": 0.5 / MILLION,
    "SQS request": 0.4 / MILLION,
    "EventBridge event": 1 / MILLION,  # S3's events are opt-in: not free. A third party's reading of AWS's page
    "X-Ray trace": 5 / MILLION,  # the price list of us-west-2
    "GB of logs": 0.5,
}
# Other services that do the same work.
GLUE_DPU_HOUR = (
    0.44  # of Glue's Spark jobs. That Data Quality costs the same, with 2 DPU and a minute at least, was not found
)
GLUE_FEWEST_DPU = 2
FARGATE_VCPU_HOUR, FARGATE_GB_HOUR = 0.03238, 0.00356  # Linux on ARM
ADDRESS_HOUR = 0.005  # a public IPv4 address; a NAT gateway costs more
FEWEST_SECONDS = 60  # that Glue and Fargate bill
