package dev.millrace.platform;

import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Dump;
import org.snakeyaml.engine.v2.api.DumpSettings;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.common.FlowStyle;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * The addresses of one stack, as {@code --target FILE} or {@code MILLRACE_TARGET} name them.
 *
 * @param kafka bootstrap servers
 * @param schemaRegistry base URL of the Confluent API
 * @param redis where Redis is and how it lets one in
 * @param flink base URL of the JobManager's REST API
 * @param registry where the model registry is and how it lets one in; null where there is none
 * @param warehouse URI of the folder that holds the Iceberg tables
 * @param catalog JDBC URL of the Iceberg catalog
 * @param artifacts URI of the folder that holds the artifacts of the platform's own models
 * @param mlflowArtifacts URI of the folder or bucket in which the registry keeps what MLflow's
 *     clients upload; null for a place below {@code artifacts}
 * @param s3 how one gets into the store of that bucket; null where nothing is to be said
 */
public record Target(
    String kafka,
    String schemaRegistry,
    RedisTarget redis,
    String flink,
    @Nullable RegistryTarget registry,
    String warehouse,
    String catalog,
    String artifacts,
    @Nullable String mlflowArtifacts,
    @Nullable S3Target s3)
    implements Serializable {

  public static final String ENVIRONMENT_VARIABLE = "MILLRACE_TARGET";

  private static final String BELOW_ARTIFACTS = "mlflow";

  /**
   * A stack whose Redis and registry ask for nothing.
   *
   * @param redis host:port
   * @param registry its URL
   */
  public Target(
      String kafka,
      String schemaRegistry,
      String redis,
      String flink,
      @Nullable String registry,
      String warehouse,
      String catalog,
      String artifacts) {
    this(
        kafka,
        schemaRegistry,
        RedisTarget.of(redis),
        flink,
        registry == null ? null : RegistryTarget.of(registry),
        warehouse,
        catalog,
        artifacts,
        null,
        null);
  }

  /** URI of the place where the registry keeps what MLflow's clients upload. */
  public String mlflowPlace() {
    return mlflowArtifacts == null
        ? artifacts.replaceAll("/+$", "") + "/" + BELOW_ARTIFACTS
        : mlflowArtifacts;
  }

  /**
   * Reads a target file.
   *
   * @throws IOException naming every key that is missing or unknown
   */
  public static Target read(Path file) throws IOException {
    Object loaded;
    try {
      loaded =
          new Load(LoadSettings.builder().setLabel(file.toString()).build())
              .loadFromString(Files.readString(file));
    } catch (YamlEngineException e) {
      throw new IOException("Cannot read target " + file + ": " + e.getMessage(), e);
    }
    if (!(loaded instanceof Map<?, ?> keys)) {
      throw new IOException("Cannot read target " + file + ": it is not a map of addresses");
    }
    List<String> problems = new ArrayList<>();
    RedisTarget redis = RedisTarget.read(keys.get("redis"), problems);
    RegistryTarget registry = RegistryTarget.read(keys.get("registry"), problems);
    S3Target s3 = S3Target.read(keys.get("s3"), problems);
    Map<String, String> left = new LinkedHashMap<>();
    keys.forEach((k, v) -> left.put(String.valueOf(k), v == null ? "" : String.valueOf(v)));
    left.remove("redis");
    left.remove("registry");
    left.remove("s3");
    String mlflowArtifacts = left.remove("mlflow_artifacts");
    Target target =
        new Target(
            taken(left, "kafka", problems),
            taken(left, "schema_registry", problems),
            redis,
            taken(left, "flink", problems),
            registry,
            taken(left, "warehouse", problems),
            taken(left, "catalog", problems),
            taken(left, "artifacts", problems),
            mlflowArtifacts == null || mlflowArtifacts.isEmpty() ? null : mlflowArtifacts,
            s3);
    if (s3 != null && !target.mlflowPlace().startsWith("s3:")) {
      problems.add(
          "s3: nothing of this target is there; set mlflow_artifacts: s3://BUCKET/PREFIX or remove"
              + " it");
    }
    left.keySet().forEach(k -> problems.add(k + ": unknown key"));
    if (!problems.isEmpty()) {
      throw new IOException("Cannot read target " + file + ":\n  " + String.join("\n  ", problems));
    }
    return target;
  }

  /** Reads the target that {@code MILLRACE_TARGET} names. */
  public static Target fromEnvironment(Map<String, String> environment) throws IOException {
    String file = environment.get(ENVIRONMENT_VARIABLE);
    if (file == null || file.isEmpty()) {
      throw new IOException(
          "Cannot find the stack: neither --target nor "
              + ENVIRONMENT_VARIABLE
              + " names a target file; start one with ./millrace up");
    }
    return read(Path.of(file));
  }

  /** Writes the file that {@link #read} reads. */
  public void write(Path file) throws IOException {
    Map<String, Object> keys = new LinkedHashMap<>();
    keys.put("kafka", kafka);
    keys.put("schema_registry", schemaRegistry);
    keys.put("redis", redis.written());
    keys.put("flink", flink);
    if (registry != null) {
      keys.put("registry", registry.written());
    }
    keys.put("warehouse", warehouse);
    keys.put("catalog", catalog);
    keys.put("artifacts", artifacts);
    if (mlflowArtifacts != null) {
      keys.put("mlflow_artifacts", mlflowArtifacts);
    }
    if (s3 != null) {
      keys.put("s3", s3.written());
    }
    Files.writeString(
        file,
        new Dump(DumpSettings.builder().setDefaultFlowStyle(FlowStyle.BLOCK).build())
            .dumpToString(keys));
  }

  private static String taken(Map<String, String> keys, String key, List<String> problems) {
    String value = keys.remove(key);
    if (value == null || value.isEmpty()) {
      problems.add(key + ": required, not set");
      return "";
    }
    return value;
  }
}
