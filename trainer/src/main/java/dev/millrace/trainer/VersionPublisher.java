package dev.millrace.trainer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.platform.Target;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Turns a training run into a version: its files first, then its announcement. */
public final class VersionPublisher {

  private static final JsonMapper JSON = new JsonMapper();

  private final Target target;
  private final VersionJournal journal;

  public VersionPublisher(Target target, VersionJournal journal) {
    this.target = target;
    this.journal = journal;
  }

  /** A version that can be promoted. */
  public record Published(VersionJournal.Version version, Path model, Path lineage) {}

  /**
   * Publishes a run under the next number of its model.
   *
   * @param projectRevision of the applied project; null where it was read from a folder
   */
  public Published publish(
      TrainingSet set,
      TrainingRun run,
      long seed,
      @Nullable Integer projectRevision,
      String actor,
      String reason,
      long nowMillis)
      throws IOException, InterruptedException {
    int highest =
        journal.versions(set.model()).stream()
            .mapToInt(VersionJournal.Version::version)
            .max()
            .orElse(0);
    VersionFolder.Written written =
        new VersionFolder(target.artifacts(), set.model())
            .write(
                highest + 1,
                number -> {
                  Map<String, byte[]> files = new LinkedHashMap<>();
                  files.put(VersionFolder.MODEL, run.onnx());
                  files.put(
                      VersionFolder.LINEAGE,
                      bytes(Lineage.of(set, run, seed, number, projectRevision, actor, nowMillis)));
                  return files;
                });
    VersionJournal.Version version =
        new VersionJournal.Version(
            set.model(),
            written.version(),
            written.uri(VersionFolder.MODEL),
            run.sha256(),
            nowMillis,
            actor,
            reason,
            Lineage.summary(set, run, written.uri(VersionFolder.LINEAGE)).toString());
    journal.announce(version);
    return new Published(
        version,
        written.folder().resolve(VersionFolder.MODEL),
        written.folder().resolve(VersionFolder.LINEAGE));
  }

  private static byte[] bytes(Object json) {
    try {
      return (JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n")
          .getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException("Cannot write a lineage", e);
    }
  }
}
