"""What the same work costs on Glue Data Quality and in a Fargate container, by their price lists. Neither was run."""

from __future__ import annotations

from tests.cost.prices import (
    ADDRESS_HOUR,
    FARGATE_GB_HOUR,
    FARGATE_VCPU_HOUR,
    FEWEST_SECONDS,
    GLUE_DPU_HOUR,
    GLUE_FEWEST_DPU,
)

IMAGE_SECONDS = 20  # to fetch an image of some 300 MB and start Python: an assumption, which Fargate bills
VCPU, GB = 1, 2


def glue(seconds: float) -> tuple[float, str]:
    """Returns the price of one evaluation that takes so long, and the arithmetic."""
    billed = max(FEWEST_SECONDS, seconds)
    price = GLUE_FEWEST_DPU * GLUE_DPU_HOUR * billed / 3600
    return price, f"{GLUE_FEWEST_DPU} DPU × {GLUE_DPU_HOUR} USD × {billed:.0f} s / 3,600 s"


def fargate(seconds: float) -> tuple[float, str]:
    """Returns the price of one task that works so long, and the arithmetic."""
    billed = max(FEWEST_SECONDS, IMAGE_SECONDS + seconds)
    hourly = VCPU * FARGATE_VCPU_HOUR + GB * FARGATE_GB_HOUR + ADDRESS_HOUR
    terms = f"({VCPU} × {FARGATE_VCPU_HOUR} + {GB} × {FARGATE_GB_HOUR} + {ADDRESS_HOUR}) USD"
    return hourly * billed / 3600, f"{terms} × {billed:.0f} s / 3,600 s"
