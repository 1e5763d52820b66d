package dev.millrace.cli.local;

import dev.millrace.cli.Checkout;
import dev.millrace.platform.FlinkSqlCatalog;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The process that {@code up} leaves behind: it keeps the stack's processes alive until it is asked
 * to end, and ends them then.
 */
public final class Supervisor implements SupervisedService.Listener {
  private static final Logger LOG = LoggerFactory.getLogger(Supervisor.class);
  private static final Duration PATIENCE_TO_STOP = Duration.ofSeconds(15);
  private static final int RECOVERY_ATTEMPTS = 30;
  private static final long RECOVERY_PAUSE_MILLIS = 2_000;

  private final StackLayout layout;
  private final StackPorts ports;
  private final ProcessIdentity self = ProcessIdentity.of(ProcessHandle.current());
  private final List<SupervisedService> services = new ArrayList<>();
  private final List<Thread> threads = new ArrayList<>();
  private final CountDownLatch stopping = new CountDownLatch(1);
  private final ExecutorService recovery =
      Executors.newSingleThreadExecutor(
          work -> {
            Thread thread = new Thread(work, "job-recovery");
            thread.setDaemon(true);
            return thread;
          });
  private final Object stateLock = new Object();
  private volatile List<String> problems = List.of();

  private Supervisor(StackLayout layout, StackPorts ports) {
    this.layout = layout;
    this.ports = ports;
    Path checkout = Checkout.root();
    StackServices plain = new StackServices(checkout, layout, ports);
    FlinkServices flink = new FlinkServices(checkout, layout, ports);
    for (ServiceSpec spec :
        List.of(
            plain.kafka(),
            plain.schemaRegistry(),
            plain.redis(),
            plain.registry(),
            plain.trainer(),
            plain.scoring(),
            flink.jobManager(),
            flink.taskManager())) {
      services.add(new SupervisedService(spec, this));
    }
  }

  /**
   * @param args the stack's folder and its port offset
   */
  public static void main(String[] args) throws IOException, InterruptedException {
    StackLayout layout = new StackLayout(Path.of(args[0]));
    StackPorts ports = new StackPorts(Integer.parseInt(args[1]));
    try (FileChannel lockFile =
            FileChannel.open(
                layout.supervisorLock(), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = lockFile.tryLock()) {
      if (lock == null) {
        LOG.error("Cannot supervise {}: another supervisor does", layout.dir());
        System.exit(1);
      }
      new Supervisor(layout, ports).run();
    }
  }

  private void run() throws IOException, InterruptedException {
    layout.target(ports).write(layout.targetFile());
    Files.writeString(layout.flinkSql(), FlinkSqlCatalog.statements(layout.target(ports)));
    new FlinkServices(Checkout.root(), layout, ports).configure();
    CountDownLatch ended = new CountDownLatch(1);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stopAll(ended), "stop"));
    changed();
    for (SupervisedService service : services) {
      Thread thread = new Thread(service, service.name());
      threads.add(thread);
      thread.start();
    }
    stopping.await();
    ended.await();
  }

  private void stopAll(CountDownLatch ended) {
    LOG.info("Stopping");
    stopping.countDown();
    recovery.shutdownNow();
    try {
      // Whoever reads from the others or still writes to them goes first.
      stopTogether(
          List.of(
              FlinkServices.JOB_MANAGER,
              FlinkServices.TASK_MANAGER,
              StackServices.REGISTRY,
              StackServices.TRAINER,
              StackServices.SCORING));
      stopTogether(
          List.of(StackServices.KAFKA, StackServices.SCHEMA_REGISTRY, StackServices.REDIS));
      for (Thread thread : threads) {
        thread.join(TimeUnit.SECONDS.toMillis(5));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    changed();
    LOG.info("Stopped");
    ended.countDown();
  }

  private void stopTogether(List<String> names) throws InterruptedException {
    List<Thread> stops = new ArrayList<>();
    for (SupervisedService service : services) {
      if (names.contains(service.name())) {
        Thread thread =
            new Thread(
                () -> {
                  try {
                    service.stop(PATIENCE_TO_STOP);
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                },
                "stop-" + service.name());
        stops.add(thread);
        thread.start();
      }
    }
    for (Thread thread : stops) {
      thread.join();
    }
  }

  @Override
  public void changed() {
    synchronized (stateLock) {
      try {
        state().write(layout);
      } catch (IOException e) {
        LOG.error("Cannot write {}", layout.stateFile(), e);
      }
    }
  }

  private StackState state() {
    return new StackState(
        self,
        ports.offset(),
        services.stream().map(SupervisedService::state).toList(),
        List.copyOf(problems));
  }

  @Override
  public void ready(SupervisedService service) {
    if (service.name().equals(FlinkServices.JOB_MANAGER)) {
      recovery.execute(this::recoverJobs);
    }
  }

  @Override
  public void died(SupervisedService service) {
    if (service.name().equals(FlinkServices.JOB_MANAGER)) {
      // Its tasks belong to a master that is gone, and must not write beside those that come back.
      services.stream()
          .filter(s -> s.name().equals(FlinkServices.TASK_MANAGER))
          .forEach(SupervisedService::restart);
    }
  }

  /** Tries until every applied job is back, or there were too many attempts. */
  private void recoverJobs() {
    JobRecovery jobs =
        new JobRecovery(
            new AppliedJobs(layout.applied()),
            layout.checkpoints(),
            new FlinkRest(layout.target(ports).flink()));
    try {
      for (int attempt = 0; attempt < RECOVERY_ATTEMPTS; attempt++) {
        // A job's main asks Kafka and the schema registry. None waits for scoring on request,
        // which a model's native code may end again and again.
        while (!state().isReadyBut(StackServices.SCORING)) {
          if (stopping.await(RECOVERY_PAUSE_MILLIS / 10, TimeUnit.MILLISECONDS)) {
            return;
          }
        }
        say(submit(jobs));
        if (problems.isEmpty() || stopping.await(RECOVERY_PAUSE_MILLIS, TimeUnit.MILLISECONDS)) {
          return;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static List<String> submit(JobRecovery jobs) {
    try {
      return jobs.submitMissing();
    } catch (IOException e) {
      return List.of(String.valueOf(e.getMessage()));
    }
  }

  private void say(List<String> found) {
    problems = found;
    changed();
  }
}
