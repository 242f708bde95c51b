"""MiniStack with the parts replaced that differ from AWS in ways that matter to Stream QC.

Runs under .local/venv (requirements/local.txt), never under the project's own environment: `python -m local.ministack`,
which `local.aws` starts. Another program can start it with hooks of its own: see `hooks.Hooks` and `server.run`.
"""
