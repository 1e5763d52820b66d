package dev.millrace.registry.tracking;

import java.util.Optional;

/** Where the artifacts of runs and of logged models are. */
@FunctionalInterface
public interface RunArtifacts {

  /**
   * The root of all artifacts of one of these, also of one that was deleted.
   *
   * @param id of a run or of a logged model
   */
  Optional<String> artifactUri(String id);

  /** As tracking knows them. */
  static RunArtifacts of(Tracking tracking) {
    return id ->
        tracking
            .run(id)
            .map(run -> run.run().artifactUri())
            .or(() -> tracking.model(id).map(model -> model.artifactUri()));
  }
}
