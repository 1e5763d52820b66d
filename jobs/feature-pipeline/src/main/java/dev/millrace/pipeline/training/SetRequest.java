package dev.millrace.pipeline.training;

import java.io.Serializable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A training set as it is asked for: of a model, or of a spine and features.
 *
 * @param features {@code view:feature} or {@code view:*}; of a spine only
 * @param asOfMillis nothing of a later event time is seen; of a model only
 * @param snapshots by table, what an earlier set read; empty for what is there now
 */
public record SetRequest(
    @Nullable String model,
    @Nullable String spine,
    List<String> features,
    Knowledge knowledge,
    @Nullable Long asOfMillis,
    String out,
    Map<String, Long> snapshots)
    implements Serializable {

  public SetRequest {
    features = List.copyOf(features);
    snapshots = Map.copyOf(snapshots);
    if ((model == null) == (spine == null)) {
      throw new IllegalArgumentException(
          "Cannot join a training set: name either a model or a spine");
    }
    if ((spine == null) != features.isEmpty()) {
      throw new IllegalArgumentException(
          spine == null
              ? "Cannot join features " + features + ": a model names its own"
              : "Cannot join spine " + spine + ": no features are named; write VIEW:FEATURE,…");
    }
    if (spine != null && asOfMillis != null) {
      throw new IllegalArgumentException(
          "Cannot join spine " + spine + " as of a time: each of its rows has its own");
    }
  }

  /** The arguments by which the job is started with this request. */
  public List<String> arguments() {
    List<String> arguments = new ArrayList<>(List.of("--out", out));
    if (model != null) {
      arguments.addAll(List.of("--model", model));
    }
    if (spine != null) {
      arguments.addAll(List.of("--spine", spine, "--features", String.join(",", features)));
    }
    arguments.addAll(List.of("--knowledge", knowledge.name().toLowerCase(Locale.ROOT)));
    if (asOfMillis != null) {
      arguments.addAll(List.of("--as-of", String.valueOf(asOfMillis)));
    }
    new TreeMap<>(snapshots)
        .forEach((table, id) -> arguments.addAll(List.of("--snapshot", table + "=" + id)));
    return arguments;
  }

  /**
   * Takes what {@link #arguments} wrote out of a job's arguments.
   *
   * @param rest gets the arguments that are not about the request
   */
  public static SetRequest parse(String[] args, List<String> rest) {
    String model = null;
    String spine = null;
    String out = null;
    List<String> features = List.of();
    Knowledge knowledge = Knowledge.STREAM;
    Long asOf = null;
    Map<String, Long> snapshots = new TreeMap<>();
    for (int i = 0; i + 1 < args.length; i += 2) {
      String value = args[i + 1];
      switch (args[i]) {
        case "--model" -> model = value;
        case "--spine" -> spine = value;
        case "--out" -> out = value;
        case "--features" -> features = List.of(value.split(",", -1));
        case "--knowledge" -> knowledge = Knowledge.valueOf(value.toUpperCase(Locale.ROOT));
        case "--as-of" -> asOf = Long.valueOf(value);
        case "--snapshot" -> {
          int equals = value.lastIndexOf('=');
          snapshots.put(value.substring(0, equals), Long.valueOf(value.substring(equals + 1)));
        }
        default -> rest.addAll(List.of(args[i], value));
      }
    }
    if (out == null || !Path.of(out).isAbsolute()) {
      throw new IllegalArgumentException(
          "Cannot write a training set to " + out + ": give --out as an absolute path");
    }
    return new SetRequest(model, spine, features, knowledge, asOf, out, snapshots);
  }
}
