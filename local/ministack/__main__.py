"""`python -m local.ministack`: the local AWS, on the port in GATEWAY_PORT."""

from local.ministack.server import run

run()
