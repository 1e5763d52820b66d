package dev.millrace.cli.apply;

import dev.millrace.cli.CommandFailed;
import dev.millrace.platform.DefinitionsLog.Applied;
import dev.millrace.platform.RedisClients;
import dev.millrace.platform.RunningViews;
import dev.millrace.platform.Target;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.AbstractPipeline;
import redis.clients.jedis.Response;
import redis.clients.jedis.ScanIteration;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisException;

/**
 * Moves rows in Redis where a view's definitions come and go: the rows of the oldest that is left
 * take the view's own keys, and those of one that ends go. While nobody writes them.
 */
final class RowKeys {

  private static final Duration TIMEOUT = Duration.ofSeconds(10);
  private static final int BATCH = 1_000;

  /** One definition whose rows have another place from now on. */
  record Move(String view, String id, String from, @Nullable String to) {}

  /**
   * Brings the rows to where they are read from now on; a second time does nothing.
   *
   * @param before what was applied; null where nothing was
   * @param resumed whether an apply was interrupted that may not have come to this
   */
  static void move(
      Target target,
      @Nullable Applied before,
      Applied after,
      boolean resumed,
      Consumer<String> progress) {
    if (before == null) {
      return;
    }
    List<Move> moves = moves(RunningViews.keys(before), RunningViews.keys(after));
    if (resumed) {
      moves.addAll(left(RunningViews.keys(after)));
    }
    if (moves.isEmpty()) {
      return;
    }
    try (UnifiedJedis redis = RedisClients.open(target.redis(), TIMEOUT)) {
      for (Move move : moves) {
        String to = move.to();
        long rows = to == null ? delete(redis, move) : rename(redis, move, to);
        progress.accept(
            "feature view %s: %,d rows of definition %s %s"
                .formatted(
                    move.view(),
                    rows,
                    move.id(),
                    to == null
                        ? "deleted from Redis"
                        : "have the keys features:{…}:" + to + " now"));
      }
    } catch (IOException | JedisException e) {
      throw new CommandFailed(
          "Cannot move the rows of changed views in Redis at %s: %s"
              .formatted(target.redis(), RedisClients.reason(e)),
          e);
    }
  }

  /** What moves, in an order in which no row is overwritten that is still needed. */
  static List<Move> moves(
      Map<String, Map<String, String>> before, Map<String, Map<String, String>> after) {
    List<Move> renames = new ArrayList<>();
    List<Move> ends = new ArrayList<>();
    before.forEach(
        (view, keys) ->
            keys.forEach(
                (id, key) -> {
                  String next = after.getOrDefault(view, Map.of()).get(id);
                  if (next == null) {
                    ends.add(new Move(view, id, key, null));
                  } else if (!next.equals(key)) {
                    renames.add(new Move(view, id, key, next));
                  }
                }));
    List<Move> moves = new ArrayList<>(renames);
    moves.addAll(ends);
    return moves;
  }

  /** Rows that now have the view's own keys, where they would stand if nobody had moved them. */
  static List<Move> left(Map<String, Map<String, String>> after) {
    List<Move> moves = new ArrayList<>();
    after.forEach(
        (view, keys) ->
            keys.forEach(
                (id, key) -> {
                  if (key.equals(view)) {
                    moves.add(new Move(view, id, view + "@" + id, view));
                  }
                }));
    return moves;
  }

  private static long rename(UnifiedJedis redis, Move move, String to) {
    long moved = 0;
    // Collected first: a scan may see a key again that was renamed meanwhile.
    for (List<String> keys : batches(scan(redis, move.from()))) {
      try (AbstractPipeline pipeline = RedisClients.pipelined(redis)) {
        List<Response<String>> answers = new ArrayList<>();
        for (String key : keys) {
          String entity = key.substring(0, key.length() - move.from().length());
          answers.add(pipeline.rename(key, entity + to));
        }
        pipeline.sync();
        for (Response<String> answer : answers) {
          moved += isDone(answer) ? 1 : 0;
        }
      }
    }
    return moved;
  }

  /** False where the row has come to the end of its life since it was found. */
  private static boolean isDone(Response<String> renamed) {
    try {
      String unusedOk = renamed.get();
      return true;
    } catch (JedisDataException e) {
      if (String.valueOf(e.getMessage()).contains("no such key")) {
        return false;
      }
      throw e;
    }
  }

  private static long delete(UnifiedJedis redis, Move move) {
    long deleted = 0;
    for (List<String> keys : batches(scan(redis, move.from()))) {
      List<String> old = new ArrayList<>();
      try (AbstractPipeline pipeline = RedisClients.pipelined(redis)) {
        List<Response<String>> versions = new ArrayList<>();
        keys.forEach(key -> versions.add(pipeline.hget(key, "_version")));
        pipeline.sync();
        for (int i = 0; i < keys.size(); i++) {
          String version = versions.get(i).get();
          if (version != null && version.endsWith("-" + move.id())) {
            old.add(keys.get(i));
          }
        }
      }
      try (AbstractPipeline pipeline = RedisClients.pipelined(redis)) {
        List<Response<Long>> answers = new ArrayList<>();
        old.forEach(key -> answers.add(pipeline.unlink(key)));
        pipeline.sync();
        for (Response<Long> answer : answers) {
          deleted += answer.get();
        }
      }
    }
    return deleted;
  }

  private static List<String> scan(UnifiedJedis redis, String key) {
    List<String> found = new ArrayList<>();
    ScanIteration scan = redis.scanIteration(BATCH, "features:{*}:" + key);
    while (!scan.isIterationCompleted()) {
      found.addAll(scan.nextBatchList());
    }
    return found.stream().distinct().toList();
  }

  private static List<List<String>> batches(List<String> keys) {
    List<List<String>> batches = new ArrayList<>();
    for (int from = 0; from < keys.size(); from += BATCH) {
      batches.add(keys.subList(from, Math.min(keys.size(), from + BATCH)));
    }
    return batches;
  }

  private RowKeys() {}
}
