package dev.millrace.cli.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.snakeyaml.engine.v2.api.Dump;
import org.snakeyaml.engine.v2.api.DumpSettings;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.common.FlowStyle;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * What Flink's processes of one stack are started with: the operator's {@code
 * flink-conf/config.yaml}, and over it this stack's addresses, ports and folders.
 */
final class FlinkConfiguration {
  private FlinkConfiguration() {}

  /** Reads the operator's file into flat keys. */
  static Map<String, Object> read(Path file) throws IOException {
    Object loaded;
    try {
      loaded =
          new Load(LoadSettings.builder().setLabel(file.toString()).build())
              .loadFromString(Files.readString(file));
    } catch (YamlEngineException e) {
      throw new IOException("Cannot read " + file + ": " + e.getMessage(), e);
    }
    Map<String, Object> flat = new TreeMap<>();
    if (loaded != null) {
      if (!(loaded instanceof Map<?, ?> keys)) {
        throw new IOException("Cannot read " + file + ": it is not a map of keys");
      }
      flatten("", keys, flat);
    }
    return flat;
  }

  private static void flatten(String prefix, Map<?, ?> keys, Map<String, Object> flat) {
    keys.forEach(
        (key, value) -> {
          String path = prefix + key;
          if (value instanceof Map<?, ?> nested) {
            flatten(path + ".", nested, flat);
          } else if (value != null) {
            flat.put(path, value);
          }
        });
  }

  /** The operator's keys with those that belong to this stack alone. */
  static Map<String, Object> derive(
      Map<String, Object> operator, StackLayout layout, StackPorts ports) {
    Map<String, Object> keys = new TreeMap<>(operator);
    keys.put("jobmanager.rpc.address", StackPorts.HOST);
    keys.put("jobmanager.rpc.port", ports.jobManagerRpc());
    keys.put("jobmanager.bind-host", StackPorts.HOST);
    keys.put("blob.server.port", Integer.toString(ports.jobManagerBlobs()));
    keys.put("rest.address", StackPorts.HOST);
    keys.put("rest.bind-address", StackPorts.HOST);
    keys.put("rest.port", ports.flinkRest());
    keys.put("rest.bind-port", Integer.toString(ports.flinkRest()));
    keys.put("taskmanager.host", StackPorts.HOST);
    keys.put("taskmanager.bind-host", StackPorts.HOST);
    keys.put("taskmanager.rpc.port", Integer.toString(ports.taskManagerRpc()));
    keys.put("taskmanager.data.port", ports.taskManagerData());
    keys.put("execution.checkpointing.dir", StackLayout.uri(layout.checkpoints()));
    keys.put("execution.checkpointing.savepoint-dir", StackLayout.uri(layout.savepoints()));
    keys.put("io.tmp.dirs", layout.tmp().resolve("io").toString());
    // Uploaded jars outlive the JobManager, so that its jobs can be submitted again.
    keys.put("web.upload.dir", layout.uploads().toString());
    return keys;
  }

  static void writeIfChanged(Map<String, Object> keys, Path file) throws IOException {
    String text =
        "# Written at every start from flink-conf/config.yaml; change that file.\n"
            + new Dump(DumpSettings.builder().setDefaultFlowStyle(FlowStyle.BLOCK).build())
                .dumpToString(keys);
    if (!Files.exists(file) || !Files.readString(file).equals(text)) {
      Files.writeString(file, text);
    }
  }
}
