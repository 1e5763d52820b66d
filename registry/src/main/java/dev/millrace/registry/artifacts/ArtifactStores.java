package dev.millrace.registry.artifacts;

import dev.millrace.platform.S3Target;
import dev.millrace.platform.Target;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;

/** The store that a target names. */
public final class ArtifactStores {

  /**
   * Opens it.
   *
   * @param spools a folder of this process alone, for what is under way to a bucket
   * @throws IOException where it cannot be used, with the repair
   */
  public static ArtifactStore open(Target target, Map<String, String> environment, Path spools)
      throws IOException {
    String place = target.mlflowPlace();
    if (place.startsWith("s3:")) {
      return S3Artifacts.open(
          place, Objects.requireNonNullElse(target.s3(), S3Target.AMAZON), environment, spools);
    }
    if (place.startsWith("file:")) {
      try {
        return new ArtifactFolder(Path.of(URI.create(place)));
      } catch (IllegalArgumentException e) {
        throw new IOException(
            "Cannot keep artifacts in "
                + place
                + ": "
                + e.getMessage()
                + "; write file:///PATH in the target",
            e);
      }
    }
    throw new IOException(
        "Cannot keep artifacts in "
            + place
            + ": built are folders and S3; set mlflow_artifacts: file:///PATH or"
            + " s3://BUCKET/PREFIX in the target");
  }

  private ArtifactStores() {}
}
