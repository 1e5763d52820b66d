package dev.millrace.streaming.transactions;

import org.jspecify.annotations.Nullable;

/**
 * What is handed to the committer for one transaction.
 *
 * @param mark null in state that was written before there were marks
 */
record Marked<C>(C committable, @Nullable Mark mark) {}
