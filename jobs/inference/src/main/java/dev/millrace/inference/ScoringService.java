package dev.millrace.inference;

import dev.millrace.platform.RedisTarget;
import dev.millrace.platform.Target;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The process that scores on request, with the job's own code. It is a process of its own, so that
 * native code that crashes takes nothing else along.
 */
public final class ScoringService {

  private static final Logger LOG = LoggerFactory.getLogger(ScoringService.class);

  /**
   * @param args {@code --target FILE} (else {@code MILLRACE_TARGET}), {@code --listen HOST:PORT}
   */
  public static void main(String[] args) throws InterruptedException {
    int status;
    try {
      run(ScoringServiceOptions.of(args, System.getenv()));
      status = 0;
    } catch (IOException | UncheckedIOException | IllegalStateException e) {
      LOG.error("{}", e.getMessage(), e);
      System.err.println(e.getMessage());
      status = 1;
    } catch (IllegalArgumentException e) {
      LOG.error("{}", e.getMessage());
      System.err.println(e.getMessage());
      status = 2;
    }
    // Also where a client's thread would keep the process.
    Runtime.getRuntime().halt(status);
  }

  private static void run(ScoringServiceOptions options) throws InterruptedException {
    Target target = options.target();
    RedisTarget redis = target.redis();
    CountDownLatch over = new CountDownLatch(1);
    Runtime.getRuntime().addShutdownHook(new Thread(over::countDown, "stop"));
    try (OnRequestModels models =
            new OnRequestModels(
                new OnRequestEnds(
                    () -> new JedisFeatureReads(redis),
                    OnnxModels.of(System.getenv()),
                    new LoaderThread(),
                    new WaitClock.OfSystem(),
                    System::currentTimeMillis));
        DecisionFollower follower = new DecisionFollower(target, models);
        ScoringApi api = ScoringApi.start(options.host(), options.port(), models)) {
      LOG.info("Answering on http://{}:{}", options.host(), api.port());
      Thread following = new Thread(follower, "follow-decisions");
      following.setDaemon(true);
      following.start();
      over.await();
    }
    LOG.info("Ended");
  }

  private ScoringService() {}
}
