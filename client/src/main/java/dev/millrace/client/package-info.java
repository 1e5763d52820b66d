/**
 * A client of the registry for Java programs: models and versions, experiments and runs, artifacts,
 * and who serves. It needs Jackson and the JDK, no Python, Flink or Kafka.
 */
@NullMarked
package dev.millrace.client;

import org.jspecify.annotations.NullMarked;
