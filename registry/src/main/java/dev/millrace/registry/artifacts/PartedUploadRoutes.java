package dev.millrace.registry.artifacts;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.registry.access.Caller;
import dev.millrace.registry.access.Role;
import dev.millrace.registry.artifacts.ArtifactRoutes.Admission;
import dev.millrace.registry.mlflow.MlflowError;
import dev.millrace.registry.mlflow.MlflowRequest;
import io.javalin.Javalin;
import io.javalin.http.ContentType;
import io.javalin.http.Context;
import java.io.IOException;
import java.net.URL;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * MLflow's uploads in parts: a client asks for addresses, puts the parts to the store, and says
 * that it is done.
 */
final class PartedUploadRoutes {

  /** By how it begins MLflow's clients know that they are to put the file whole. */
  private static final String UNSUPPORTED =
      "Multipart upload is not supported for the current artifact repository";

  private final ArtifactStore store;
  private final Admission admission;

  private PartedUploadRoutes(ArtifactStore store, Admission admission) {
    this.store = store;
    this.admission = admission;
  }

  /** Adds them below a prefix. */
  static void add(Javalin server, String prefix, ArtifactStore store, Admission admission) {
    PartedUploadRoutes routes = new PartedUploadRoutes(store, admission);
    post(server, prefix + "/mpu/create/<path>", routes::create);
    post(server, prefix + "/mpu/complete/<path>", routes::complete);
    post(server, prefix + "/mpu/abort/<path>", routes::abort);
  }

  private static void post(Javalin server, String path, ArtifactRoutes.Handling handling) {
    server.post(path, context -> ArtifactRoutes.answer(context, handling), Role.CONTRIBUTOR);
  }

  private PartedUploads uploads() {
    return store
        .parted()
        .orElseThrow(
            () ->
                new MlflowError(
                    MlflowError.Code.NOT_IMPLEMENTED,
                    UNSUPPORTED + ", which is a folder; put the file whole"));
  }

  private static MlflowRequest request(Context context) {
    return MlflowRequest.ofBody(context.body(), "", "");
  }

  /** In the address is the folder; of the file on the client's disk the last name counts. */
  private ArtifactPath admitted(Context context, MlflowRequest request) {
    String file = request.required("path");
    int name = Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1;
    ArtifactPath path = ArtifactPath.of(context.pathParam("path")).resolve(file.substring(name));
    admission.admit(context.attribute(Caller.ATTRIBUTE), path);
    return path;
  }

  private void create(Context context) throws IOException {
    MlflowRequest request = request(context);
    ArtifactPath path = admitted(context, request);
    PartedUploads uploads = uploads();
    long parts = request.number("num_parts").orElseThrow(() -> wrong("num_parts", "is missing"));
    if (parts < 1 || parts > PartedUploads.PARTS_MAX) {
      throw wrong("num_parts", "is " + parts + ", not from 1 to " + PartedUploads.PARTS_MAX);
    }
    PartedUploads.Begun begun = uploads.begin(path, (int) parts);
    answer(
        context,
        body -> {
          body.put("upload_id", begun.id());
          ArrayNode credentials = body.putArray("credentials");
          for (URL part : begun.parts()) {
            ObjectNode credential = credentials.addObject();
            credential.put("url", part.toString());
            credential.put("part_number", credentials.size());
            credential.putObject("headers");
          }
        });
  }

  private void complete(Context context) throws IOException {
    MlflowRequest request = request(context);
    ArtifactPath path = admitted(context, request);
    PartedUploads uploads = uploads();
    List<PartedUploads.Part> parts = parts(request.json().path("parts"));
    try {
      uploads.complete(path, request.required("upload_id"), parts);
    } catch (IllegalArgumentException e) {
      throw MlflowError.invalid("Cannot complete the upload of " + path + ": " + e.getMessage());
    }
    answer(context, body -> {});
  }

  private static List<PartedUploads.Part> parts(JsonNode given) {
    List<PartedUploads.Part> parts = new ArrayList<>();
    for (JsonNode part : given) {
      int number = part.path("part_number").asInt();
      String etag = part.path("etag").asText();
      if (number <= (parts.isEmpty() ? 0 : parts.get(parts.size() - 1).number())
          || number > PartedUploads.PARTS_MAX) {
        throw wrong("parts", "has part_number " + number + "; write each once, from 1 upwards");
      }
      if (etag.isEmpty()) {
        throw wrong("parts", "has no etag of part " + number + "; write what the store answered");
      }
      parts.add(new PartedUploads.Part(number, etag));
    }
    if (parts.isEmpty()) {
      throw wrong("parts", "is missing or empty");
    }
    return parts;
  }

  private void abort(Context context) throws IOException {
    MlflowRequest request = request(context);
    ArtifactPath path = admitted(context, request);
    PartedUploads uploads = uploads();
    uploads.abort(path, request.required("upload_id"));
    answer(context, body -> {});
  }

  private static MlflowError wrong(String parameter, String why) {
    return MlflowError.invalid(
        "Invalid value for parameter '" + parameter + "' supplied: it " + why + ".");
  }

  private static void answer(Context context, Consumer<ObjectNode> fill) {
    ObjectNode body = JsonNodeFactory.instance.objectNode();
    fill.accept(body);
    context.status(200).contentType(ContentType.APPLICATION_JSON).result(body.toString());
  }
}
