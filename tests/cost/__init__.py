"""`make cost`: what 1,000 uploads cost, from what runs on the local AWS ask for, the time that they take, and a dated price table.

`prices` is the table, `counting` runs and counts, `elsewhere` computes the same work on other services, `page` writes it into
docs/costs.md.
"""
