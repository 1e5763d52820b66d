package dev.millrace.streaming;

import java.time.Duration;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.ReadableConfig;

/**
 * How the tables are kept small; keys of Flink's configuration, so an operator of the platform sets
 * them in {@code flink-conf}. What concerns a single table is a property of it: {@code
 * write.target-file-size-bytes}, {@code history.expire.max-snapshot-age-ms}, {@code
 * history.expire.min-snapshots-to-keep}.
 *
 * @param interval how often each table is looked at; zero for never
 * @param minInputFiles how many small files of one partition are joined
 * @param maxBytes how much of one table is rewritten in one round
 */
record UpkeepOptions(Duration interval, int minInputFiles, long maxBytes) {

  static final ConfigOption<Duration> INTERVAL =
      ConfigOptions.key("millrace.upkeep.interval")
          .durationType()
          .defaultValue(Duration.ofMinutes(10))
          .withDescription("How often each table is looked at; 0 turns the upkeep off.");

  static final ConfigOption<Integer> MIN_INPUT_FILES =
      ConfigOptions.key("millrace.upkeep.min-input-files")
          .intType()
          .defaultValue(20)
          .withDescription("How many small files of one partition are joined into one.");

  static final ConfigOption<MemorySize> MAX_BYTES =
      ConfigOptions.key("millrace.upkeep.max-bytes")
          .memoryType()
          .defaultValue(MemorySize.ofMebiBytes(1024))
          .withDescription("How much of one table is rewritten in one round.");

  static UpkeepOptions from(ReadableConfig config) {
    return new UpkeepOptions(
        config.get(INTERVAL), config.get(MIN_INPUT_FILES), config.get(MAX_BYTES).getBytes());
  }
}
