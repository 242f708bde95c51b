"""The infrastructure. `stream_qc_stack.py` is its table of contents, `permissions.py` says who may do what."""
