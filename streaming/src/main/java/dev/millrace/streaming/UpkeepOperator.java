package dev.millrace.streaming;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.flink.CatalogLoader;
import org.jspecify.annotations.Nullable;

/**
 * Looks after the tables of a project, each once an interval, on a thread of its own: a barrier
 * passes while files are joined, and a job that stops waits for nothing.
 *
 * <p>It has no state. What it cannot do is said in the log and counted, and tried again an interval
 * later; the job never fails for it.
 */
final class UpkeepOperator<T> extends AbstractStreamOperator<Void>
    implements OneInputStreamOperator<T, Void> {

  private static final long serialVersionUID = 1L;
  private static final long PATIENCE_SECONDS = 10;

  private final CatalogLoader loader;
  private final String project;

  private transient @Nullable UpkeepRounds rounds;
  private transient @Nullable ExecutorService thread;

  UpkeepOperator(CatalogLoader loader, String project) {
    this.loader = loader;
    this.project = project;
  }

  @Override
  public void open() throws Exception {
    super.open();
    UpkeepOptions options =
        UpkeepOptions.from(getRuntimeContext().getTaskManagerRuntimeInfo().getConfiguration());
    if (options.interval().isZero()) {
      return;
    }
    UpkeepRounds opened =
        new UpkeepRounds(
            loader.loadCatalog(),
            Namespace.of(project),
            new TableUpkeep(options),
            getMetricGroup().addGroup("upkeep"));
    rounds = opened;
    ExecutorService started =
        Executors.newSingleThreadExecutor(
            task -> {
              Thread made = new Thread(task, "table-upkeep-" + project);
              made.setDaemon(true);
              return made;
            });
    thread = started;
    long millis = options.interval().toMillis();
    // The first round comes an interval after the start, when the job has caught up.
    var unusedTimer =
        getProcessingTimeService()
            .scheduleWithFixedDelay(time -> started.execute(opened::round), millis, millis);
  }

  @Override
  public void processElement(StreamRecord<T> element) {
    // The stream is only what the operator lives beside.
  }

  @Override
  public void close() throws Exception {
    ExecutorService running = thread;
    if (running != null) {
      running.shutdownNow();
      if (!running.awaitTermination(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        LOG.warn("The upkeep of project {} did not stop; its last commit may still come", project);
      }
    }
    if (rounds != null) {
      rounds.close();
    }
    super.close();
  }
}
