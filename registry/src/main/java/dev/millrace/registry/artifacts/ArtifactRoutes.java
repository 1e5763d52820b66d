package dev.millrace.registry.artifacts;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.registry.access.Caller;
import dev.millrace.registry.access.ForbiddenException;
import dev.millrace.registry.access.Role;
import dev.millrace.registry.artifacts.ArtifactStore.Opened;
import dev.millrace.registry.artifacts.ArtifactStore.OtherBytesException;
import dev.millrace.registry.artifacts.ArtifactStore.TooLargeException;
import dev.millrace.registry.mlflow.MlflowError;
import dev.millrace.registry.mlflow.MlflowRoutes;
import io.javalin.Javalin;
import io.javalin.http.ContentType;
import io.javalin.http.Context;
import io.javalin.http.HttpResponseException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Artifacts over HTTP: bytes in, bytes out, as they come. */
public final class ArtifactRoutes {

  private static final Logger LOG = LoggerFactory.getLogger(ArtifactRoutes.class);
  private static final List<String> PREFIXES =
      List.of("/api/2.0/mlflow-artifacts", "/ajax-api/2.0/mlflow-artifacts");
  private static final long FILE_BYTES_MAX = 16L * 1024 * 1024 * 1024;

  /** RFC 9530. */
  private static final String DIGEST = "Content-Digest";

  private static final String REPRESENTATION_DIGEST = "Repr-Digest";
  private static final Pattern SHA256 = Pattern.compile("sha-256=:([A-Za-z0-9+/=]{44}):");

  private final ArtifactStore store;
  private final Admission admission;

  private ArtifactRoutes(ArtifactStore store, Admission admission) {
    this.store = store;
    this.admission = admission;
  }

  /** Says whether a file may be written or deleted. */
  @FunctionalInterface
  public interface Admission {
    /** Where everybody may do everything. */
    Admission EVERYBODY = (caller, path) -> {};

    /**
     * Looks at what is about to be changed.
     *
     * @param caller null where nobody was asked for a token
     * @throws ForbiddenException where it may not
     */
    void admit(@Nullable Caller caller, ArtifactPath path);
  }

  /** Answers a request, or fails as {@link #answer} tells it. */
  @FunctionalInterface
  interface Handling {
    void handle(Context context) throws IOException;
  }

  /** Adds them to a server that was not started yet. */
  public static void add(Javalin server, ArtifactStore store, Admission admission) {
    ArtifactRoutes routes = new ArtifactRoutes(store, admission);
    for (String prefix : PREFIXES) {
      server.get(prefix + "/artifacts", context -> answer(context, routes::list), Role.READER);
      String file = prefix + "/artifacts/<path>";
      server.put(file, context -> answer(context, routes::put), Role.CONTRIBUTOR);
      server.get(file, context -> answer(context, routes::get), Role.READER);
      server.delete(file, context -> answer(context, routes::delete), Role.ADMIN);
      PartedUploadRoutes.add(server, prefix, store, admission);
    }
  }

  static void answer(Context context, Handling handling) {
    try {
      handling.handle(context);
    } catch (MlflowError e) {
      MlflowRoutes.send(context, e);
    } catch (HttpResponseException e) {
      // Of the server itself: the bytes come too slowly.
      MlflowRoutes.send(
          context, new MlflowError(MlflowError.Code.BAD_REQUEST, String.valueOf(e.getMessage())));
      context.status(e.getStatus());
    } catch (FileNotFoundException e) {
      MlflowRoutes.send(context, MlflowError.missing(said(e)));
    } catch (TooLargeException | OtherBytesException e) {
      MlflowRoutes.send(context, MlflowError.invalid("The artifact was not taken: " + said(e)));
    } catch (StoreException e) {
      LOG.error("Cannot answer {} {}: {}", context.method(), context.path(), e.getMessage());
      MlflowRoutes.send(context, e.told());
    } catch (IOException e) {
      LOG.error("Cannot answer {} {}", context.method(), context.path(), e);
      MlflowRoutes.send(
          context,
          new MlflowError(
              MlflowError.Code.INTERNAL_ERROR,
              "the artifact could not be read or written; the registry's log says why"));
    }
  }

  private static String said(IOException e) {
    return String.valueOf(e.getMessage());
  }

  private static ArtifactPath path(Context context) {
    return ArtifactPath.of(context.pathParam("path"));
  }

  private void put(Context context) throws IOException {
    ArtifactPath path = path(context);
    if (path.names().isEmpty()) {
      throw MlflowError.invalid("Invalid path: it names no file");
    }
    admission.admit(context.attribute(Caller.ATTRIBUTE), path);
    String sha256 = store.put(path, context.bodyInputStream(), FILE_BYTES_MAX, promised(context));
    context
        .status(200)
        .header(REPRESENTATION_DIGEST, field(sha256))
        .contentType(ContentType.APPLICATION_JSON)
        .result("{}");
  }

  /** The sha256 that the client says its bytes have; null where it says none. */
  private static @Nullable String promised(Context context) {
    for (String name : List.of(DIGEST, REPRESENTATION_DIGEST)) {
      String header = context.header(name);
      if (header != null) {
        Matcher sha256 = SHA256.matcher(header);
        if (sha256.find()) {
          return HexFormat.of().formatHex(Base64.getDecoder().decode(sha256.group(1)));
        }
      }
    }
    return null;
  }

  private static String field(String sha256) {
    return "sha-256=:" + Base64.getEncoder().encodeToString(HexFormat.of().parseHex(sha256)) + ":";
  }

  private void get(Context context) throws IOException {
    ArtifactPath path = path(context);
    Opened found = store.open(path);
    Optional<String> sha256 = found.sha256();
    if (sha256.isPresent()) {
      context.header(REPRESENTATION_DIGEST, field(sha256.get()));
    }
    context
        .status(200)
        .header("X-Content-Type-Options", "nosniff")
        .header("Content-Disposition", "attachment")
        .header("Content-Length", String.valueOf(found.bytes()))
        .contentType(ContentType.APPLICATION_OCTET_STREAM)
        .result(found.in());
  }

  private void delete(Context context) throws IOException {
    ArtifactPath path = path(context);
    admission.admit(context.attribute(Caller.ATTRIBUTE), path);
    store.delete(path);
    context.status(200).contentType(ContentType.APPLICATION_JSON).result("{}");
  }

  private void list(Context context) throws IOException {
    String asked = context.queryParam("path");
    ArtifactPath path = ArtifactPath.orRoot(asked == null ? "" : asked);
    ObjectNode body = JsonNodeFactory.instance.objectNode();
    // Whoever lists by this interface gets names, not paths.
    ArrayNode files = body.putArray("files");
    for (ArtifactStore.Entry entry : store.list(path)) {
      ObjectNode file = files.addObject();
      file.put("path", entry.name());
      file.put("is_dir", entry.folder());
      if (!entry.folder()) {
        file.put("file_size", entry.bytes());
      }
    }
    context.status(200).contentType(ContentType.APPLICATION_JSON).result(body.toString());
  }
}
