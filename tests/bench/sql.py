"""The rules of the case `csv` as one query of DuckDB. FILE stands for the path."""

ALL_CHECKS = r"""
WITH cells AS (
  SELECT row_number() OVER () AS n, time AS t, temperature AS v, quality, sensor
  FROM read_csv('FILE', header = true, columns = {
    'time': 'TIMESTAMP', 'temperature': 'DOUBLE', 'quality': 'BIGINT', 'sensor': 'VARCHAR'})
), neighbours AS (
  SELECT *,
    lag(v) OVER rows AS before, lead(v) OVER rows AS after, lag(t) OVER rows AS earlier,
    max(t) OVER (ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS latest,
    max(v) OVER flat - min(v) OVER flat AS flat, count(v) OVER flat AS in_flat,
    stddev_pop(v) OVER period AS spread, count(v) OVER period AS in_period
  FROM cells
  WINDOW rows AS (ORDER BY n),
    flat AS (ORDER BY n ROWS BETWEEN 60 PRECEDING AND CURRENT ROW),
    period AS (ORDER BY t RANGE BETWEEN INTERVAL 599999999 MICROSECONDS PRECEDING AND CURRENT ROW)
), seasons AS (
  SELECT *, CASE month(t)
    WHEN 1 THEN v < -30 OR v > 35 WHEN 2 THEN v < -30 OR v > 35 WHEN 3 THEN v < -28 OR v > 40
    WHEN 4 THEN v < -24 OR v > 45 WHEN 5 THEN v < -20 OR v > 50 WHEN 6 THEN v < -15 OR v > 54
    WHEN 7 THEN v < -12 OR v > 54 WHEN 8 THEN v < -12 OR v > 54 WHEN 9 THEN v < -15 OR v > 52
    WHEN 10 THEN v < -20 OR v > 46 WHEN 11 THEN v < -26 OR v > 40 ELSE v < -30 OR v > 36 END AS out_of_season
  FROM neighbours
)
SELECT
  count_if(t IS NULL) AS "time.required",
  count_if(v IS NULL) AS "temperature.required",
  count_if(quality IS NULL) AS "quality.required",
  count_if(sensor IS NULL) AS "sensor.required",
  count(t) - count(DISTINCT t) AS "time.unique",
  count_if(v < -50) AS "temperature.minimum",
  count_if(v > 60) AS "temperature.maximum",
  count_if(quality NOT IN (0, 1, 2, 3, 4)) AS "quality.enum",
  count_if(length(sensor) < 2) AS "sensor.minLength",
  count_if(length(sensor) > 2) AS "sensor.maxLength",
  count_if(NOT regexp_full_match(sensor, 'S[0-9]')) AS "sensor.pattern",
  count_if(v < -40 OR v > 55) AS "temperature.gross_range_test",
  count_if(out_of_season) AS "temperature.climatology_test",
  count_if(abs(v - (before + after) / 2) > 5) AS "temperature.spike_test",
  count_if(abs(v - before) / nullif(epoch(t - earlier), 0) > 200) AS "temperature.rate_of_change_test",
  count_if(in_flat = 61 AND flat < 0.001) AS "temperature.flat_line_test",
  count_if(in_period >= 10 AND spread < 0.01) AS "temperature.attenuated_signal_test",
  count_if(t < latest) AS "time.time_order",
  count(t) - count(DISTINCT t) AS "time.duplicate_time",
  count_if(t - earlier > INTERVAL 2 HOURS) AS "time.time_gap_test",
  count_if(t < '1990-01-01' OR t > '2060-01-01') AS "time.impossible_date_test"
FROM seasons
"""
