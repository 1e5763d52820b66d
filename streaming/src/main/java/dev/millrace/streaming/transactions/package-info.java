/** Transactions to Kafka: how long they may stay open, and what became of those that failed. */
@NullMarked
package dev.millrace.streaming.transactions;

import org.jspecify.annotations.NullMarked;
