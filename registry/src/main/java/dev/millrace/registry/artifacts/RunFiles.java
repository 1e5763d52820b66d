package dev.millrace.registry.artifacts;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.registry.mlflow.MlflowError;
import dev.millrace.registry.mlflow.MlflowRequest;
import dev.millrace.registry.mlflow.MlflowRoutes.Endpoints;
import dev.millrace.registry.tracking.RunArtifacts;
import java.io.IOException;

/** Which files a run has, where they are in the folder of this registry. */
public final class RunFiles {

  /** Begins the address of what is in the folder of the server that one asks. */
  private static final String OWN = "mlflow-artifacts:/";

  private final ArtifactFolder folder;
  private final RunArtifacts runs;

  private RunFiles(ArtifactFolder folder, RunArtifacts runs) {
    this.folder = folder;
    this.runs = runs;
  }

  /** Adds its endpoint. */
  public static void addTo(Endpoints endpoints, ArtifactFolder folder, RunArtifacts runs) {
    var unusedAll = endpoints.get("/artifacts/list", new RunFiles(folder, runs)::list);
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
    folder.refuseLinks(path);
    ObjectNode body = JsonNodeFactory.instance.objectNode();
    body.put("root_uri", root);
    ArrayNode files = body.putArray("files");
    for (ArtifactFolder.Entry entry : folder.list(path)) {
      ObjectNode file = files.addObject();
      file.put("path", below.resolve(entry.name()).toString());
      file.put("is_dir", entry.folder());
      if (!entry.folder()) {
        file.put("file_size", entry.bytes());
      }
    }
    return body;
  }
}
