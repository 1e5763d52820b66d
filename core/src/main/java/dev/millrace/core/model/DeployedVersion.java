package dev.millrace.core.model;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A version of a model that a deployment names.
 *
 * @param uri of the ONNX artifact
 * @param sha256 of its bytes, in hex
 * @param profileUri of the reference profile that was made with it; null where there is none
 * @param profileSha256 of the profile's bytes, in hex
 * @param views the definition id of each view that it was trained on, by the view's name; empty
 *     where its maker did not say
 */
public record DeployedVersion(
    int version,
    String uri,
    String sha256,
    @Nullable String profileUri,
    @Nullable String profileSha256,
    Map<String, String> views) {

  public DeployedVersion {
    views = Map.copyOf(views);
  }

  /** A version of which is not known what it was trained on. */
  public DeployedVersion(
      int version,
      String uri,
      String sha256,
      @Nullable String profileUri,
      @Nullable String profileSha256) {
    this(version, uri, sha256, profileUri, profileSha256, Map.of());
  }

  /** A version without a reference profile: its drift is not measured. */
  public DeployedVersion(int version, String uri, String sha256) {
    this(version, uri, sha256, null, null, Map.of());
  }
}
