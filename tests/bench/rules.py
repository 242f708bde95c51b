"""The rules of the cases, as a user would write them."""

from __future__ import annotations

FIELDS = """
schema:
  fields:
    - {name: time, type: datetime, constraints: {required: true, unique: true}}
    - {name: temperature, type: number, constraints: {required: true, minimum: -50, maximum: 60}}
    - {name: quality, type: integer, constraints: {required: true, enum: [0, 1, 2, 3, 4]}}
    - {name: sensor, type: string, constraints: {required: true, minLength: 2, maxLength: 2, pattern: "S[0-9]"}}
"""

KEY_FIELDS = """
schema:
  fields:
    - {name: id, type: integer, constraints: {required: true, unique: true, minimum: 0}}
    - {name: time, type: datetime, constraints: {required: true}}
    - {name: temperature, type: number, constraints: {required: true, minimum: -50, maximum: 60}}
    - {name: quality, type: integer, constraints: {required: true, enum: [0, 1, 2, 3, 4]}}
    - {name: sensor, type: string, constraints: {required: true, minLength: 2, maxLength: 2, pattern: "S[0-9]"}}
"""

TESTS = """
time: time
streams:
  temperature:
    qartod:
      gross_range_test: {suspect_span: [-20, 45], fail_span: [-40, 55]}
      climatology_test:
        config:
          - {period: month, tspan: [1, 1], vspan: [-15, 20], fspan: [-30, 35]}
          - {period: month, tspan: [2, 2], vspan: [-15, 20], fspan: [-30, 35]}
          - {period: month, tspan: [3, 3], vspan: [-12, 25], fspan: [-28, 40]}
          - {period: month, tspan: [4, 4], vspan: [-8, 30], fspan: [-24, 45]}
          - {period: month, tspan: [5, 5], vspan: [-4, 35], fspan: [-20, 50]}
          - {period: month, tspan: [6, 6], vspan: [0, 40], fspan: [-15, 54]}
          - {period: month, tspan: [7, 7], vspan: [2, 42], fspan: [-12, 54]}
          - {period: month, tspan: [8, 8], vspan: [0, 42], fspan: [-12, 54]}
          - {period: month, tspan: [9, 9], vspan: [-4, 38], fspan: [-15, 52]}
          - {period: month, tspan: [10, 10], vspan: [-8, 32], fspan: [-20, 46]}
          - {period: month, tspan: [11, 11], vspan: [-12, 26], fspan: [-26, 40]}
          - {period: month, tspan: [12, 12], vspan: [-15, 22], fspan: [-30, 36]}
      spike_test: {suspect_threshold: 3, fail_threshold: 5}
      rate_of_change_test: {threshold: 4, fail_threshold: 200}
      flat_line_test: {suspect_threshold: 30, fail_threshold: 60, tolerance: 0.001}
      attenuated_signal_test: {suspect_threshold: 0.05, fail_threshold: 0.01, test_period: 600, min_obs: 10}
  time:
    qartod:
      time_gap_test: {fail_span: 2}
      impossible_date_test: {fail_span: ["1990-01-01T00:00:00Z", "2060-01-01T00:00:00Z"]}
"""

EVERY_CHECK = FIELDS + TESTS
RANDOM_KEY = KEY_FIELDS + TESTS

IRREGULAR = """
schema:
  fields:
    - {name: time, type: datetime, constraints: {required: true, unique: true}}
    - {name: level, type: number, constraints: {required: true, minimum: -10, maximum: 10}}
time: time
streams:
  level:
    qartod:
      gross_range_test: {suspect_span: [-1.95, 1.95], fail_span: [-5, 5]}
      spike_test: {suspect_threshold: 0.06, fail_threshold: 1}
      rate_of_change_test: {threshold: 0.3}
      flat_line_test: {suspect_threshold: 60, fail_threshold: 120, tolerance: 0.01}
      attenuated_signal_test: {suspect_threshold: 0.03, fail_threshold: 0.005, test_period: 300, min_obs: 5}
  time:
    qartod:
      time_gap_test: {fail_span: 0.01}
"""

STATIONS = """
schema:
  fields:
    - {name: time, type: datetime, constraints: {required: true}}
    - {name: station, type: string, constraints: {required: true, pattern: "[A-Z]{3}-[0-9]{2}"}}
    - {name: wind, type: number, constraints: {minimum: 0, maximum: 75}}
    - {name: calibrated, type: boolean}
  primaryKey: [time, station]
time: time
streams:
  wind:
    qartod:
      gross_range_test: {suspect_span: [0, 24.9], fail_span: [0, 60]}
  time:
    qartod:
      time_gap_test: {fail_span: 1}
"""

LONG_TEXT = """
schema:
  fields:
    - {name: time, type: datetime, constraints: {required: true, unique: true}}
    - {name: value, type: number, constraints: {required: true, minimum: 0, maximum: 100}}
    - {name: remark, type: string, constraints: {required: true, minLength: 10, maxLength: 1000, pattern: "[A-Z].*"}}
time: time
streams:
  value:
    qartod:
      gross_range_test: {fail_span: [0, 100]}
"""

LOCATION = """
schema:
  fields:
    - {name: time, type: datetime, constraints: {required: true}}
    - {name: lat, type: number, constraints: {required: true}}
    - {name: lon, type: number, constraints: {required: true}}
time: time
lat: lat
lon: lon
streams:
  lat:
    qartod:
      location_test: {range_max: 5000, range_method: wgs84}
"""


def wide(columns: int, constraints: str) -> str:
    """Returns rules for a file of numbers in columns c0, c1 … constraints: of each column, or ""."""
    more = f", constraints: {{{constraints}}}" if constraints else ""
    fields = [f"    - {{name: c{number}, type: number{more}}}" for number in range(columns)]
    return "\n".join(["schema:", "  fields:", *fields, ""])


def seasons(days: int, depths: int) -> str:
    """Returns rules with a climatology of one season for each day of the year and each depth of ten metres."""
    lines = [
        f"          - {{period: dayofyear, tspan: [{day}, {day}], zspan: [{10 * depth}, {10 * depth + 10}], vspan: [-5, 40]}}"
        for day in range(1, days + 1)
        for depth in range(depths)
    ]
    head = """
schema:
  fields:
    - {name: time, type: datetime, constraints: {required: true}}
    - {name: depth, type: number, constraints: {required: true}}
    - {name: temperature, type: number, constraints: {required: true}}
time: time
z: depth
streams:
  temperature:
    qartod:
      climatology_test:
        config:
"""
    return head + "\n".join(lines) + "\n"
