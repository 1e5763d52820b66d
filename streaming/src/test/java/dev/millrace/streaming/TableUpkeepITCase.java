package dev.millrace.streaming;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.platform.Target;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.LongStream;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The sink and the upkeep of its table in one job that fails on the way. */
@Tag("full")
class TableUpkeepITCase {

  private static final long ROWS = 3000;
  private static final AtomicBoolean FAILED = new AtomicBoolean();
  private static final AtomicBoolean JOINED = new AtomicBoolean();

  private final Path dir;

  TableUpkeepITCase(@TempDir Path dir) {
    this.dir = dir;
  }

  @Test
  void eachRowIsThereOnceWhileFilesAreJoinedAndTheJobRestarts() throws Exception {
    FAILED.set(false);
    JOINED.set(false);
    Target target = SmallTable.target(dir);
    Table table = SmallTable.table(target);
    table
        .updateProperties()
        .set("history.expire.max-snapshot-age-ms", "1000")
        .set("history.expire.min-snapshots-to-keep", "10")
        .commit();
    StreamExecutionEnvironment env = environment();
    DataStream<Long> numbers =
        env.fromSource(
                new DataGeneratorSource<>(
                    n -> n, ROWS, RateLimiterStrategy.perSecond(500), Types.LONG),
                WatermarkStrategy.noWatermarks(),
                "numbers")
            .uid("numbers")
            .map(new Hindrance(target))
            .returns(Types.LONG)
            .uid("hindrance");
    IcebergEnds.append(
        numbers,
        target,
        SmallTable.NAME,
        SmallTable.SCHEMA,
        "at",
        n -> SmallTable.row(n, n % 3 * SmallTable.DAY_MILLIS),
        "numbers-table");
    IcebergEnds.upkeep(numbers, target, SmallTable.NAME.namespace().toString());
    env.execute("upkeep");

    table.refresh();
    assertThat(FAILED).isTrue();
    assertThat(SmallTable.numbers(table, null))
        .isEqualTo(LongStream.range(0, ROWS).boxed().toList());
    assertThat(JOINED).isTrue();
    assertThat(table.snapshots())
        .hasSizeLessThan((int) Objects.requireNonNull(table.currentSnapshot()).sequenceNumber());
  }

  /** Fails once half way, and near the end waits for the upkeep: a busy machine may be slow. */
  private record Hindrance(Target target) implements MapFunction<Long, Long> {

    @Override
    public Long map(Long n) throws IOException {
      if (n == ROWS / 2 && FAILED.compareAndSet(false, true)) {
        throw new IllegalStateException("as planned");
      }
      if (n == ROWS - 100) {
        Table table = SmallTable.table(target);
        long deadlineNanos = System.nanoTime() + Duration.ofMinutes(1).toNanos();
        while (!joined(table) && System.nanoTime() - deadlineNanos < 0) {
          LockSupport.parkNanos(50_000_000);
          table.refresh();
        }
        JOINED.set(joined(table));
      }
      return n;
    }
  }

  /** Three files a commit would be there without upkeep. */
  private static boolean joined(Table table) throws IOException {
    Snapshot last = table.currentSnapshot();
    return last != null && SmallTable.files(table) < last.sequenceNumber();
  }

  private static StreamExecutionEnvironment environment() {
    Configuration conf = new Configuration();
    conf.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(200));
    conf.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    conf.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(100));
    conf.set(UpkeepOptions.INTERVAL, Duration.ofMillis(300));
    conf.set(UpkeepOptions.MIN_INPUT_FILES, 4);
    return StrictEnvironment.strict(StreamExecutionEnvironment.createLocalEnvironment(2, conf));
  }
}
