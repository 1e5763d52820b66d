package dev.millrace.pipeline.batch;

import org.jspecify.annotations.Nullable;

/**
 * One Parquet file of a delivery.
 *
 * @param timeMillis when its rows became known
 * @param rows how many positions are kept for it; 1 where nothing but a letter comes of it
 * @param problem why it cannot be read, where that is known already
 */
record DeliveredFile(String location, long timeMillis, long rows, @Nullable String problem) {}
