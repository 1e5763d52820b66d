package dev.millrace.streaming.transactions;

/**
 * One record of a transaction, by which can be told later what became of the whole.
 *
 * @param timestampMillis the record's, so that a topic made anew is not taken for the old one
 */
record Mark(String topic, int partition, long offset, long timestampMillis) {

  /** As it is named in messages and accepted by {@link AcceptedLosses}. */
  String text() {
    return topic + "-" + partition + "@" + offset;
  }
}
