package dev.millrace.platform;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file of a target that has all that is required. */
record TargetFile(Path path) {

  static TargetFile in(Path folder) {
    return new TargetFile(folder.resolve("target.yaml"));
  }

  /** The target with more keys. */
  Target read(String more) throws IOException {
    Files.writeString(
        path,
        """
        kafka: k:1
        schema_registry: http://s
        redis: r:1
        flink: http://f
        warehouse: file:///w
        catalog: jdbc:x
        artifacts: file:///a/
        """
            + more);
    return Target.read(path);
  }
}
