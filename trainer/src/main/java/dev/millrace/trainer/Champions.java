package dev.millrace.trainer;

import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.platform.ModelRevision;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Who serves a model now, for a successor to be compared with. */
public interface Champions {

  /**
   * A version that serves.
   *
   * @param uri of the ONNX file
   * @param inputs its signature; null where its registration does not say
   * @param views the definition id of each view that it was trained on; empty where its
   *     registration does not say
   * @param trainedOn the model as it was then, where these definitions are no longer the applied
   *     ones and still computed; else null
   */
  record Champion(
      int version,
      String uri,
      String sha256,
      @Nullable List<String> inputs,
      Map<String, String> views,
      @Nullable ModelRevision trainedOn) {

    /** A version that reads the definitions as they are. */
    Champion(int version, String uri, String sha256, @Nullable List<String> inputs) {
      this(version, uri, sha256, inputs, Map.of(), null);
    }
  }

  /** The champion of a model; empty where nobody serves it. */
  Optional<Champion> of(Project project, Model model) throws IOException;
}
