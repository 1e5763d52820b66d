package dev.millrace.streaming;

import dev.millrace.core.row.FeatureRow;
import dev.millrace.platform.RedisClients;
import dev.millrace.platform.RedisTarget;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.commons.codec.digest.DigestUtils;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.ThreadSafeSimpleCounter;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.AbstractPipeline;
import redis.clients.jedis.Response;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.exceptions.JedisNoScriptException;
import redis.clients.jedis.exceptions.JedisRedirectionException;

/** Rows over one pipelined connection to each server, made anew after each failure. */
final class JedisRowStore implements RowStore {

  private static final Logger LOG = LoggerFactory.getLogger(JedisRowStore.class);
  private static final Duration TIMEOUT = Duration.ofSeconds(2);

  /**
   * What Redis says where it would take the row later: it is full, starts, is a replica that was
   * promoted too late, runs a script, cannot save, is not let in, or moves slots. Where a command
   * inside of the script was refused, the word comes behind where it was.
   */
  private static final Pattern PASSING =
      Pattern.compile(
          "(^|[\\s-])(OOM|LOADING|READONLY|BUSY|MISCONF|MASTERDOWN|NOREPLICAS|TRYAGAIN|CLUSTERDOWN"
              + "|NOAUTH|WRONGPASS|NOPERM) |The user executing the script|ACL failure in script");

  private final RedisTarget redis;
  private final RowLayout layout;
  private final byte[] script;
  private final byte[] scriptSha;
  private final Counter written;
  private final Counter behind;
  private @Nullable UnifiedJedis client;

  JedisRowStore(RedisTarget redis, RowLayout layout, MetricGroup metrics) {
    this.redis = redis;
    this.layout = layout;
    this.script = layout.script().getBytes(StandardCharsets.UTF_8);
    this.scriptSha = DigestUtils.sha1Hex(script).getBytes(StandardCharsets.US_ASCII);
    this.written = metrics.counter("redisRowsSent", new ThreadSafeSimpleCounter());
    this.behind = metrics.counter("redisRowsBehind", new ThreadSafeSimpleCounter());
  }

  @Override
  public Attempt write(List<FeatureRow> rows) throws IOException {
    Answers answers = new Answers();
    boolean answered = false;
    try {
      UnifiedJedis open = client;
      if (open == null) {
        open = RedisClients.open(redis, TIMEOUT);
        client = open;
      }
      pipeline(open, rows, scriptSha, answers);
      if (!answers.unknownScript.isEmpty()) {
        List<FeatureRow> again = List.copyOf(answers.unknownScript);
        answers.unknownScript.clear();
        pipeline(open, again, null, answers);
      }
      for (FeatureRow row : answers.redirected) {
        redirect(open, row, answers);
      }
      answered = true;
    } catch (JedisException e) {
      return new Attempt(answers.without(rows), RedisClients.reason(e));
    } catch (IOException e) {
      return new Attempt(rows, e.getMessage());
    } finally {
      if (!answered) {
        close();
      }
    }
    if (answers.fatal != null) {
      throw new IOException(
          "Cannot write a row to Redis at "
              + redis
              + ": it says '"
              + answers.fatal
              + "'; see whether something else writes keys of the view, or repair that");
    }
    if (!answers.redirected.isEmpty()) {
      // The slots have moved: the next client asks where they are.
      close();
    }
    return answers.left.isEmpty() ? Attempt.WHOLE : new Attempt(answers.left, answers.reason);
  }

  /**
   * Sends the rows and sorts the answers.
   *
   * @param sha of the script; null to send its text, which makes the server know it
   */
  private void pipeline(
      UnifiedJedis open, List<FeatureRow> rows, byte @Nullable [] sha, Answers answers) {
    List<Response<Object>> responses = new ArrayList<>(rows.size());
    try (AbstractPipeline pipeline = RedisClients.pipelined(open)) {
      for (FeatureRow row : rows) {
        List<byte[]> keys = List.of(layout.redisKey(row));
        List<byte[]> arguments = layout.scriptArguments(row);
        responses.add(
            sha == null
                ? pipeline.eval(script, keys, arguments)
                : pipeline.evalsha(sha, keys, arguments));
      }
      pipeline.sync();
    }
    for (int i = 0; i < rows.size(); i++) {
      Response<Object> response = responses.get(i);
      answers.take(rows.get(i), response::get);
    }
  }

  /** One row by itself, by a client that goes where it is sent. */
  private void redirect(UnifiedJedis open, FeatureRow row, Answers answers) {
    answers.take(
        row, () -> open.eval(script, List.of(layout.redisKey(row)), layout.scriptArguments(row)));
  }

  @Override
  public void close() {
    UnifiedJedis open = client;
    client = null;
    if (open != null) {
      try {
        open.close();
      } catch (JedisException e) {
        LOG.debug("Closing a broken connection to Redis failed", e);
      }
    }
  }

  /** An answer that may be an error. */
  private interface Answer {
    Object read();
  }

  /** What Redis said of the rows of one try. */
  private final class Answers {
    private final List<FeatureRow> left = new ArrayList<>();
    private final List<FeatureRow> done = new ArrayList<>();
    private final List<FeatureRow> unknownScript = new ArrayList<>();
    private final List<FeatureRow> redirected = new ArrayList<>();
    private @Nullable String reason;
    private @Nullable String fatal;

    void take(FeatureRow row, Answer answer) {
      try {
        (Long.valueOf(0).equals(answer.read()) ? behind : written).inc();
        done.add(row);
      } catch (JedisNoScriptException e) {
        unknownScript.add(row);
      } catch (JedisRedirectionException e) {
        redirected.add(row);
      } catch (JedisDataException e) {
        String said = String.valueOf(e.getMessage());
        if (PASSING.matcher(said).find()) {
          leave(row, said);
        } else {
          fatal = said;
        }
      } catch (IllegalStateException e) {
        // A cluster's pipeline leaves the answers of a server that it lost unset.
        leave(row, "a server of the cluster did not answer");
      }
    }

    private void leave(FeatureRow row, String why) {
      left.add(row);
      reason = why;
    }

    List<FeatureRow> without(List<FeatureRow> rows) {
      if (done.isEmpty()) {
        return rows;
      }
      List<FeatureRow> others = new ArrayList<>(rows);
      others.removeAll(done);
      return others;
    }
  }
}
