package dev.millrace.pipeline;

/** In which order a replay brings the events of an archive. */
enum ReplayOrder {
  /**
   * As they were read: each partition by offset, partitions beside each other by the largest event
   * time so far. The rows are then those of a stream whose partitions keep step.
   */
  READ,

  /** By event time: the last row of each time then holds all that is known of it by now. */
  EVENT_TIME
}
