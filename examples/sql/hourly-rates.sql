-- Arrivals an hour and the share of those that were late, from the archive: each event once, also those that a view refused as LATE.
SELECT FLOOR(arrived_at TO HOUR) AS `hour`, COUNT(*) AS arrivals,
  CAST(SUM(CASE WHEN delay > 15 THEN 1 ELSE 0 END) AS DOUBLE) / COUNT(*) AS late_share
FROM millrace.flights.events_arrivals
GROUP BY FLOOR(arrived_at TO HOUR);
