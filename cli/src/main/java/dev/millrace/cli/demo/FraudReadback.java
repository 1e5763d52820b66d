package dev.millrace.cli.demo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.cli.CommandFailed;
import dev.millrace.platform.RedisClients;
import dev.millrace.platform.RegistryTarget;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.apache.iceberg.catalog.TableIdentifier;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.AbstractPipeline;
import redis.clients.jedis.Response;
import redis.clients.jedis.UnifiedJedis;

/** Reads back what the loop left in Iceberg, in Redis and in the registry. */
final class FraudReadback {

  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Duration PAUSE = Duration.ofMillis(500);
  private static final int TIMEOUT_MILLIS = 10_000;
  private static final long DAY_MILLIS = Duration.ofDays(1).toMillis();

  private final Target target;
  private final String project;
  private final String model;
  private final Narration narration;
  private final Waiting waiting;

  FraudReadback(Target target, String project, String model, Narration narration) {
    this.target = target;
    this.project = project;
    this.model = model;
    this.narration = narration;
    this.waiting = new Waiting(narration);
  }

  /** Rows by table, when each has as many as its topic or the patience is over. */
  Map<String, Long> tables(Map<String, Long> atLeast) throws Exception {
    Map<String, Long> rows = new LinkedHashMap<>();
    try (TableTotals totals = new TableTotals(target)) {
      waiting.until(
          "the tables to have what the topics have",
          PATIENCE,
          PAUSE,
          () -> {
            boolean all = true;
            for (Map.Entry<String, Long> table : atLeast.entrySet()) {
              long now = totals.of(TableIdentifier.of(project, table.getKey())).rows();
              rows.put(table.getKey(), now);
              all &= now >= table.getValue();
            }
            return all;
          },
          () -> "in the tables " + rows + ", in the topics " + atLeast);
    } catch (CommandFailed e) {
      // The caller compares, and tells of it among what else was found.
      narration.detail(String.valueOf(e.getMessage()));
    }
    return rows;
  }

  String predictionsTable() {
    return Warehouse.predictions(project, model).name();
  }

  String shadowsTable() {
    return Warehouse.shadows(project, model).name();
  }

  /**
   * What Redis has of one view.
   *
   * @param missing entities that were seen and have no row
   * @param wrong rows whose count of a day is not that of the world
   */
  record Rows(long rows, long missing, long wrong) {}

  Rows cards(FraudTruth truth, int sent) {
    Map<String, long[]> times = new TreeMap<>();
    for (int number = 0; number < sent; number++) {
      add(times, truth.cardId(number), truth.timeMillis(number));
    }
    return rows("features:{card:", "}:card_velocity", times);
  }

  Rows merchants(FraudTruth truth, int sent) {
    Map<String, long[]> times = new TreeMap<>();
    for (int number = 0; number < sent; number++) {
      add(times, truth.merchantId(number), truth.timeMillis(number));
    }
    return rows("features:{merchant:", "}:merchant_risk", times);
  }

  /** The first element counts those that follow it. */
  private static void add(Map<String, long[]> times, String entity, long timeMillis) {
    long[] known = times.computeIfAbsent(entity, e -> new long[64]);
    int size = (int) known[0] + 1;
    if (size == known.length) {
      known = Arrays.copyOf(known, size * 2);
      times.put(entity, known);
    }
    known[size] = timeMillis;
    known[0] = size;
  }

  private Rows rows(String before, String after, Map<String, long[]> times) {
    Map<String, Response<Map<String, String>>> answers = new HashMap<>();
    try (UnifiedJedis redis = RedisClients.open(target.redis(), Duration.ofMillis(TIMEOUT_MILLIS));
        AbstractPipeline pipeline = RedisClients.pipelined(redis)) {
      for (String entity : times.keySet()) {
        answers.put(entity, pipeline.hgetAll(before + entity + after));
      }
      pipeline.sync();
    } catch (IOException e) {
      throw new CommandFailed(String.valueOf(e.getMessage()), e);
    }
    long rows = 0;
    long missing = 0;
    long wrong = 0;
    for (Map.Entry<String, long[]> entity : times.entrySet()) {
      Response<Map<String, String>> answer = answers.get(entity.getKey());
      Map<String, String> row = answer == null ? Map.of() : answer.get();
      if (row.isEmpty()) {
        missing++;
      } else {
        rows++;
        long atMillis = Long.parseLong(row.getOrDefault("_time", "0"));
        wrong +=
            row.getOrDefault("count_24h", "").equals(countOfDay(entity.getValue(), atMillis))
                ? 0
                : 1;
      }
    }
    return new Rows(rows, missing, wrong);
  }

  private static String countOfDay(long[] times, long atMillis) {
    long count = 0;
    for (int i = 1; i <= times[0]; i++) {
      count += times[i] > atMillis - DAY_MILLIS && times[i] <= atMillis ? 1 : 0;
    }
    return String.valueOf(count);
  }

  /** The version that the registry names as champion; null where it names none. */
  @Nullable Integer champion() throws IOException, InterruptedException {
    JsonNode version = ask("/v1/models/" + model + "/deployment").path("champion").path("version");
    return version.isInt() ? version.asInt() : null;
  }

  private JsonNode ask(String path) throws IOException, InterruptedException {
    RegistryTarget registry = target.registry();
    if (registry == null) {
      throw new CommandFailed("Cannot ask the registry: the stack's target names none");
    }
    HttpResponse<String> response = registry.get(path, Duration.ofMillis(TIMEOUT_MILLIS));
    if (response.statusCode() != 200) {
      throw new CommandFailed(
          "Cannot read " + registry + path + ": " + response.statusCode() + " " + response.body());
    }
    return new JsonMapper().readTree(response.body());
  }
}
