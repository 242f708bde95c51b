"""Checks a file in parts, apart and in any order, with the result of one pass.

`cutting` cuts a file into parts of whole records and numbers their rows, `checking` checks a part and merges what was found, and
`state` writes it down in between.
"""
