package dev.millrace.trainer;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Who serves a model now, for a successor to be compared with. */
public interface Champions {

  /**
   * A version that serves.
   *
   * @param uri of the ONNX file
   * @param inputs its signature; null where its registration does not say
   */
  record Champion(int version, String uri, String sha256, @Nullable List<String> inputs) {}

  /** The champion of a model; empty where nobody serves it. */
  Optional<Champion> of(String model) throws IOException;
}
