-- The newest row of each airport. Rows of one entity never go back: not in T, not in epoch, not in any position. So of two
-- rows with equal T the later one has the longer, or else the greater, text of positions.
SELECT entity_key, `_time`, count_3h, delay_mean_1h, delay_last
FROM (
  SELECT *, ROW_NUMBER() OVER (
      PARTITION BY entity_key
      ORDER BY `_time` DESC, CAST(SPLIT_INDEX(`_version`, '-', 0) AS BIGINT) DESC, CHAR_LENGTH(`_source`) DESC, `_source` DESC) AS newest
  FROM millrace.flights.features_origin_delays)
WHERE newest = 1;
