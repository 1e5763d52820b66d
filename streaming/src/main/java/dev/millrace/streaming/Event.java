package dev.millrace.streaming;

import org.jspecify.annotations.Nullable;

/**
 * One event of a source, decoded.
 *
 * @param recordTimeMillis the record's Kafka timestamp
 * @param id the event id as text
 * @param values in the order of the source's schema; logical times as epoch numbers
 * @param rawKey the record's key as it came
 * @param rawValue the record's value as it came, for a dead letter further on
 */
public record Event(
    int partition,
    long offset,
    long recordTimeMillis,
    long eventTimeMillis,
    String id,
    @Nullable Object[] values,
    byte @Nullable [] rawKey,
    byte @Nullable [] rawValue) {}
