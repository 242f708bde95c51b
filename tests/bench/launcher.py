"""Runs a command and prints its cost as JSON: `python -I -S launcher.py CORES COMMAND…`.

The kernel counts the memory of a parent as the child's until the child has started its own program, so the parent has to be
small: this process imports next to nothing. CORES: how many cores the command may use, 0 for all. The last line of the
output is the cost. What the command printed stands above it.
"""

import json
import os
import resource
import sys
import time

MEMORY = 0.8  # of the machine's; a command that needs more fails instead of stopping the machine
CPU = 3_600  # seconds


def main(cores: int, command: list[str]) -> None:
    if cores:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    memory = int(MEMORY * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU, CPU + 10))
    began = time.perf_counter()
    child = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - began
    print()
    cost = {"cpu": usage.ru_utime + usage.ru_stime, "wall": wall, "peak_kb": usage.ru_maxrss}
    print(json.dumps({**cost, "status": os.waitstatus_to_exitcode(status)}))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
