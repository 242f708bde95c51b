"""The report of a run: one page with what was found, and with the offending points where they are.

recent.py    the last rows of a stream, with their place on the time axis
trace.py     the points of a series, thinned so that no spike disappears
marks.py     the points and the stretches that a check flagged
limits.py    the limits that are drawn as lines
drawer.py    draws while the engine reads; what check_stream is given
record.py    what a process leaves for the page: numbers and texts, no code
page.py      the page, from the records of the processes
"""
