package dev.millrace.cli.look;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.UserMistake;
import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.row.EntityKeys;
import dev.millrace.core.row.ValueReader;
import dev.millrace.platform.DefinitionsLog;
import dev.millrace.platform.DefinitionsLog.Applied;
import dev.millrace.platform.RedisClients;
import dev.millrace.platform.RunningViews;
import dev.millrace.platform.RunningViews.Running;
import dev.millrace.platform.Target;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.SubjectRegistry;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisException;

/** {@code features}: rows as models read them. */
@Command(
    name = "features",
    description = "Online rows, as models read them.",
    subcommands = FeaturesCommand.Get.class)
public final class FeaturesCommand implements Callable<Integer> {

  @Mixin GlobalOptions global = new GlobalOptions();

  @Override
  public Integer call() {
    throw new UserMistake("Cannot run features: name get; see --help");
  }

  /** {@code features get VIEW KEY… --project P}. */
  @Command(name = "get", description = "Shows one online row, its age and its version.")
  static final class Get implements Callable<Integer> {

    private static final Duration TIMEOUT = Duration.ofSeconds(5);

    @Mixin private GlobalOptions global = new GlobalOptions();

    @Parameters(
        index = "0",
        paramLabel = "VIEW",
        description = "The feature view's name, or <view>@<id> for one of its definitions.")
    private String view = "";

    @Parameters(
        index = "1..*",
        arity = "1..*",
        paramLabel = "KEY",
        description = "The entity's key values, in its order.")
    private List<String> keys = List.of();

    @Option(
        names = "--project",
        paramLabel = "P",
        description = "The project, where the view's is not to be looked for.")
    private @Nullable String project;

    @Option(names = "--json", description = "Prints one JSON object.")
    private boolean json;

    @Spec private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
      Target target = global.target();
      SubjectRegistry registry = new ConfluentSubjectRegistry(target.schemaRegistry());
      Served served = served(target, registry);
      FeatureView definition = served.definition;
      if (definition.redis().layout() == FeatureView.RedisOptions.Layout.FEAST) {
        throw new UserMistake(
            "Cannot show rows of view "
                + view
                + ": they stand in Feast's layout; read them with Feast, or with"
                + " redis: {layout: millrace}");
      }
      String key = redisKey(definition, served.key, keys);
      Map<String, String> row = read(target, key);
      if (row.isEmpty()) {
        throw new CommandFailed(
            "Cannot find a row of view "
                + view
                + " for "
                + definition.entity().name()
                + " "
                + String.join(" ", keys)
                + ": Redis has no key "
                + key
                + "; see whether events of that key came, and whether the job runs"
                + " (./millrace status)");
      }
      PrintWriter out = spec.commandLine().getOut();
      OnlineRow shown = OnlineRow.of(definition, key, row, Clock.systemUTC().instant());
      if (json) {
        out.println(shown.json());
      } else {
        shown.lines().forEach(out::println);
      }
      out.flush();
      return Millrace.DONE;
    }

    /** A definition whose rows are served, and the last part of their keys. */
    private record Served(FeatureView definition, String key) {}

    /** What a view's own keys hold, or where VIEW is {@code <view>@<id>} that definition's. */
    private Served served(Target target, SubjectRegistry registry) throws IOException {
      int at = view.indexOf('@');
      String name = at < 0 ? view : view.substring(0, at);
      Project owner =
          FoundProject.owning(
              "feature view",
              name,
              project,
              p -> p.featureView(name).isPresent(),
              target,
              registry);
      FeatureView definition = owner.featureView(name).orElseThrow();
      DefinitionsLog log = new DefinitionsLog(target, registry);
      Optional<Applied> applied = log.latest(owner.name());
      if (applied.isEmpty()) {
        return new Served(definition, name);
      }
      List<Running> running = RunningViews.read(owner, applied.get(), log).of(name);
      if (at >= 0) {
        String id = view.substring(at + 1);
        return running.stream()
            .filter(r -> r.view().id().equals(id))
            .findFirst()
            .map(r -> new Served(r.view(), r.key()))
            .orElseThrow(
                () ->
                    new UserMistake(
                        "Cannot show rows of view %s: its definitions that are computed are %s"
                            .formatted(view, running.stream().map(r -> r.view().id()).toList())));
      }
      return running.isEmpty()
          ? new Served(definition, name)
          : new Served(running.get(0).view(), running.get(0).key());
    }

    private static Map<String, String> read(Target target, String key) {
      try (UnifiedJedis redis = RedisClients.open(target.redis(), TIMEOUT)) {
        return redis.hgetAll(key);
      } catch (IOException e) {
        throw new CommandFailed(e.getMessage() + "; is it up?", e);
      } catch (JedisException e) {
        throw new CommandFailed(
            "Cannot ask Redis at " + target.redis() + ": " + RedisClients.reason(e), e);
      }
    }
  }

  /** Where the row of an entity stands in Redis. */
  static String redisKey(FeatureView view, String key, List<String> keys) {
    List<String> names = view.entity().keys();
    String joined = EntityKeys.join(keys);
    if (keys.size() != names.size() || joined == null) {
      throw new UserMistake(
          "Cannot find a row of view "
              + view.name()
              + ": entity "
              + view.entity().name()
              + " has the keys "
              + names
              + ", given are "
              + keys.size()
              + " values; give one value for each");
    }
    return EntityKeys.redisKey(view.entity().name(), joined, key);
  }

  /**
   * A row as it stands in Redis.
   *
   * @param timeMillis T of the row; null where the hash has none
   */
  record OnlineRow(
      FeatureView view,
      String key,
      Map<String, String> hash,
      @Nullable Long timeMillis,
      @Nullable Duration age) {

    private static final JsonMapper JSON = new JsonMapper();

    static OnlineRow of(FeatureView view, String key, Map<String, String> hash, Instant now) {
      String time = hash.get("_time");
      Long millis = time == null ? null : Long.valueOf(time);
      Duration age = millis == null ? null : Duration.between(Instant.ofEpochMilli(millis), now);
      return new OnlineRow(view, key, hash, millis, age);
    }

    String json() {
      ObjectNode object = JSON.createObjectNode();
      object.put("view", view.name());
      object.put("key", key);
      ObjectNode values = object.putObject("values");
      for (Feature feature : view.features()) {
        put(values, feature, hash.get(feature.name()));
      }
      object.put("_time", timeMillis);
      object.put("time", timeMillis == null ? null : Instant.ofEpochMilli(timeMillis).toString());
      object.put("_source", hash.get("_source"));
      object.put("_version", hash.get("_version"));
      object.put("age_seconds", age == null ? null : age.toSeconds());
      return object.toString();
    }

    private static void put(ObjectNode values, Feature feature, @Nullable String text) {
      if (text == null) {
        values.putNull(feature.name());
        return;
      }
      values.set(feature.name(), JSON.valueToTree(ValueReader.read(text, feature.type())));
    }

    List<String> lines() {
      List<String> lines = new ArrayList<>();
      lines.add(key);
      int width = view.features().stream().mapToInt(f -> f.name().length()).max().orElse(0);
      String form = "  %-" + Math.max(width, "_version".length()) + "s  %s";
      for (Feature feature : view.features()) {
        lines.add(
            String.format(
                Locale.ROOT, form, feature.name(), hash.getOrDefault(feature.name(), "-")));
      }
      String time =
          timeMillis == null || age == null
              ? "-"
              : Instant.ofEpochMilli(timeMillis)
                  + " ("
                  + timeMillis
                  + "), "
                  + Spans.show(age)
                  + " old";
      lines.add(String.format(Locale.ROOT, form, "_time", time));
      lines.add(String.format(Locale.ROOT, form, "_source", hash.getOrDefault("_source", "-")));
      lines.add(String.format(Locale.ROOT, form, "_version", hash.getOrDefault("_version", "-")));
      return lines;
    }
  }
}
