package dev.millrace.registry.artifacts;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.registry.mlflow.MlflowError;
import dev.millrace.registry.mlflow.MlflowRequest;
import dev.millrace.registry.mlflow.MlflowRoutes.Endpoints;
import dev.millrace.registry.tracking.RunArtifacts;
import java.io.IOException;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Which files a run has, where they are in the store of this registry. */
public final class RunFiles {

  private static final Logger LOG = LoggerFactory.getLogger(RunFiles.class);

  /** Begins the address of what is in the store of the server that one asks. */
  private static final String OWN = "mlflow-artifacts:/";

  private final ArtifactStore store;
  private final RunArtifacts runs;

  private RunFiles(ArtifactStore store, RunArtifacts runs) {
    this.store = store;
    this.runs = runs;
  }

  /** Adds its endpoint. */
  public static void addTo(Endpoints endpoints, ArtifactStore store, RunArtifacts runs) {
    var unusedAll = endpoints.get("/artifacts/list", new RunFiles(store, runs)::list);
  }

  private ObjectNode list(MlflowRequest request) throws IOException {
    String run = request.runId();
    String root =
        runs.artifactUri(run)
            .orElseThrow(() -> MlflowError.missing("Run with id=" + run + " not found"));
    if (!root.startsWith(OWN)) {
      throw new MlflowError(
          MlflowError.Code.NOT_IMPLEMENTED,
          "the artifacts of run "
              + run
              + " are at "
              + root
              + ", which this registry does not read; list them there");
    }
    ArtifactPath below = ArtifactPath.orRoot(request.text("path", ""));
    ArtifactPath path = ArtifactPath.of(root.substring(OWN.length()).replaceAll("^/+", ""));
    for (String name : below.names()) {
      path = path.resolve(name);
    }
    ObjectNode body = JsonNodeFactory.instance.objectNode();
    body.put("root_uri", root);
    ArrayNode files = body.putArray("files");
    for (ArtifactStore.Entry entry : listed(path)) {
      ObjectNode file = files.addObject();
      file.put("path", below.resolve(entry.name()).toString());
      file.put("is_dir", entry.folder());
      if (!entry.folder()) {
        file.put("file_size", entry.bytes());
      }
    }
    return body;
  }

  private List<ArtifactStore.Entry> listed(ArtifactPath path) throws IOException {
    try {
      return store.list(path);
    } catch (StoreException e) {
      LOG.error("Cannot list {}: {}", path, e.getMessage());
      throw e.told();
    }
  }
}
