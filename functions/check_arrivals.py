"""CheckArrivals: announces streams whose file did not come in the time that their rules say.

In: EventBridge's scheduled event. Out: counts: Due, Announced, Moved (another time by rules that have changed). It costs a query
of each part of the index ByDue; a stream that is due costs a read, the lookup of its rules, a LIST and a write.
"""

from __future__ import annotations

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from pipeline.arrivals import Arrivals
from pipeline.model import Payload
from pipeline.observe import logger, measure, step
from pipeline.times import over_after

SPARE_MILLISECONDS = 20_000


@step
def handler(_event: Payload, context: LambdaContext) -> Payload:
    left = context.get_remaining_time_in_millis
    arrivals = Arrivals(has_time=lambda: left() >= SPARE_MILLISECONDS, longest=over_after(left()))
    try:
        arrivals.look()
    finally:
        if arrivals.counts.due:
            logger.info("arrivals", extra=arrivals.counts.to_payload())
            measure({"StreamsOverdue": (MetricUnit.Count, arrivals.counts.announced)})
    return arrivals.counts.to_payload()
