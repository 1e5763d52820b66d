package dev.millrace.cli.events;

/**
 * An event ready to be sent.
 *
 * @param value the record's bytes as they go to the topic
 */
record PreparedEvent(
    String source, String topic, String eventId, long eventTimeMillis, byte[] value) {}
