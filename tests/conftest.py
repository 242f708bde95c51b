from hypothesis import HealthCheck, settings

# The machine is shared: how long an example takes says nothing of the code.
settings.register_profile("stream-qc", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("stream-qc")
