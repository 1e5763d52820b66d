package dev.millrace.drift;

import dev.millrace.core.drift.Reference;
import java.io.IOException;
import java.io.Serializable;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.flink.metrics.Counter;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Where the reference profiles of a model's versions come from; a test brings its own. */
interface References extends Serializable {

  /**
   * The profile of a version; empty where it was made without one.
   *
   * @throws IOException where there is one that cannot be used, saying why
   */
  Optional<Reference> load(int version) throws IOException;

  /** The profiles that a task has met, each loaded on its first need. For one thread. */
  final class Met {
    private static final Logger LOG = LoggerFactory.getLogger(References.class);

    private final References references;
    private final String model;
    private final Counter unmeasured;
    private final Map<Integer, Optional<Reference>> byVersion = new HashMap<>();

    /**
     * None met yet.
     *
     * @param unmeasured counts versions that have no profile
     */
    Met(References references, String model, Counter unmeasured) {
      this.references = references;
      this.model = model;
      this.unmeasured = unmeasured;
    }

    /** Null for a version without a profile, and for the fallback, which is no version. */
    @Nullable Reference of(int version) {
      if (version <= 0) {
        return null;
      }
      Optional<Reference> known = byVersion.get(version);
      if (known == null) {
        known = loaded(version);
        byVersion.put(version, known);
      }
      return known.orElse(null);
    }

    private Optional<Reference> loaded(int version) {
      String why = "it was registered without one";
      try {
        Optional<Reference> loaded = references.load(version);
        if (loaded.isPresent()) {
          return loaded;
        }
      } catch (IOException e) {
        why = String.valueOf(e.getMessage());
      }
      unmeasured.inc();
      LOG.warn(
          "Cannot measure model {} version {} against a reference profile: {}; its drift is not"
              + " measured and its performance has no thresholds",
          model,
          version,
          why);
      return Optional.empty();
    }
  }
}
