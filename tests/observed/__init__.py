"""A local AWS whose functions can be observed and broken: their calls to AWS are recorded, and planted faults happen.

    stack.py       starts it; what a test imports
    __main__.py    the server: `local.ministack` with hooks
    function.py    runs in a function's process: records calls, breaks them
    answers.py     what AWS answers when it throttles, fails or refuses
    faults.py      reads the planted faults and counts how often they happened
    groups.py      finds the group that an event is about
    iam.py         credentials and headers for tests with IAM enforced

In the folder OBSERVED_FOLDER, `calls.jsonl` holds the recorded calls and `faults/<group>.json` the faults of a group.
"""
