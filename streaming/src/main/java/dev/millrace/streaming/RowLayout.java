package dev.millrace.streaming;

import dev.millrace.core.row.FeatureRow;
import java.io.Serializable;
import java.util.List;

/**
 * How the rows of one view stand in Redis: under which key, and the script that compares a row with
 * the one that is there and writes it where it is ahead, in one step.
 */
public interface RowLayout extends Serializable {

  /** Returns 1 where it wrote the row of {@code KEYS[1]}, 0 where the one there is not behind. */
  String script();

  byte[] redisKey(FeatureRow row);

  /** {@code ARGV} of the script. */
  List<byte[]> scriptArguments(FeatureRow row);
}
