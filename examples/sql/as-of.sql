-- What was known at K (the clock's time) of each airport at T (the events' time): without the second condition it is what is known
-- now, corrections by events that came late included.
SELECT entity_key, `_time`, known_at, count_3h, delay_mean_1h, delay_last
FROM (
  SELECT *, ROW_NUMBER() OVER (
      PARTITION BY entity_key
      ORDER BY `_time` DESC, CAST(SPLIT_INDEX(`_version`, '-', 0) AS BIGINT) DESC, CHAR_LENGTH(`_source`) DESC, `_source` DESC) AS newest
  FROM millrace.flights.features_origin_delays
  WHERE `_time` <= CAST(TIMESTAMP '2001-01-15 12:00:00' AS TIMESTAMP_LTZ(3))
    AND known_at <= CAST(TIMESTAMP '2030-01-01 00:00:00' AS TIMESTAMP_LTZ(3)))
WHERE newest = 1;
