package dev.millrace.registry.transfer;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.registry.access.Caller;
import dev.millrace.registry.access.ForbiddenException;
import dev.millrace.registry.access.Role;
import io.javalin.Javalin;
import io.javalin.http.ContentType;
import io.javalin.http.Context;
import io.javalin.http.HttpStatus;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code GET /v1/export} and {@code POST /v1/import}. Either way the file is on disk as a whole
 * before anything goes on with it: a client that is slow holds nothing but its connection, and one
 * that fails leaves nothing half done.
 */
public final class TransferRoutes {

  static final String EXPORT = "/v1/export";
  static final String IMPORT = "/v1/import";

  private static final Logger LOG = LoggerFactory.getLogger(TransferRoutes.class);
  private static final JsonMapper JSON = new JsonMapper();
  private static final int BUFFER_BYTES = 1 << 16;

  private final RegistryExport exported;
  private final RegistryImport imported;
  private final TransferLimits limits;
  private final BooleanSupplier ready;
  private final Path folder;
  private final Semaphore importing = new Semaphore(1);

  /**
   * @param journals those of the catalogue before that of tracking
   * @param installation whose registry it is
   * @param patience with each event of an import
   * @param ready whether all that was said before is known already
   * @param folder where files are while they are needed
   */
  public TransferRoutes(
      List<TransferredJournal<?>> journals,
      String installation,
      Clock clock,
      TransferLimits limits,
      Duration patience,
      BooleanSupplier ready,
      Path folder) {
    this.exported = new RegistryExport(journals, installation, clock);
    this.imported = new RegistryImport(journals, limits, patience);
    this.limits = limits;
    this.ready = ready;
    this.folder = folder;
  }

  /** Adds them to a server that was not started yet. */
  public void addTo(Javalin server) {
    clear();
    server.get(EXPORT, this::export, Role.ADMIN);
    server.post(IMPORT, this::take, Role.ADMIN);
  }

  /** Deletes what a process that was killed has left. */
  private void clear() {
    try {
      Files.createDirectories(folder);
      try (Stream<Path> left = Files.list(folder)) {
        for (Path file : left.toList()) {
          Files.delete(file);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot clear " + folder + "; make it writable", e);
    }
  }

  private Path newFile(String name) throws IOException {
    return Files.createTempFile(folder, name, ".jsonl.gz");
  }

  private void export(Context context) throws IOException {
    if (!ready.getAsBoolean()) {
      error(context, HttpStatus.SERVICE_UNAVAILABLE, NOT_READY, null);
      return;
    }
    Path file = newFile("export");
    InputStream body;
    long bytes;
    try {
      try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), BUFFER_BYTES)) {
        exported.writeTo(out);
      }
      bytes = Files.size(file);
      // Gone when it was sent, or could not be.
      body = Files.newInputStream(file, StandardOpenOption.DELETE_ON_CLOSE);
    } catch (IOException | RuntimeException e) {
      Files.deleteIfExists(file);
      throw e;
    }
    context
        .status(HttpStatus.OK)
        .header("Content-Disposition", "attachment; filename=\"millrace-registry.jsonl.gz\"")
        .header("Content-Length", String.valueOf(bytes))
        .contentType("application/gzip")
        .result(body);
  }

  private static final String NOT_READY = "the registry is not ready yet; ask again in a moment";

  private void take(Context context) throws IOException {
    Caller caller = context.attribute(Caller.ATTRIBUTE);
    if (caller != null && !caller.projects().all()) {
      throw new ForbiddenException(
          "Cannot import with the token of %s, which is for %s: an import is of all projects; ask an admin of all"
              .formatted(caller.name(), caller.projects()));
    }
    if (!ready.getAsBoolean()) {
      error(context, HttpStatus.SERVICE_UNAVAILABLE, NOT_READY, null);
      return;
    }
    if (!importing.tryAcquire()) {
      error(
          context,
          HttpStatus.CONFLICT,
          "Cannot import: another import is under way; wait for its end",
          null);
      return;
    }
    Path file = newFile("import");
    try {
      receive(context.bodyInputStream(), file);
      RegistryImport.Done done = imported.run(file, Caller.name(context, caller));
      LOG.info("Imported: {}", done);
      ObjectNode body = JSON.createObjectNode();
      body.put("events", done.events());
      body.put("added", done.added());
      body.put("already_there", done.alreadyThere());
      ObjectNode subjects = body.putObject("subjects");
      done.subjects().forEach(subjects::put);
      send(context, HttpStatus.OK, body);
    } catch (BadExportException e) {
      error(context, HttpStatus.BAD_REQUEST, e.getMessage(), null);
    } catch (ConflictException e) {
      error(context, HttpStatus.CONFLICT, e.getMessage(), e.problems());
    } catch (UnfinishedException e) {
      LOG.warn("{}", e.getMessage());
      error(context, HttpStatus.SERVICE_UNAVAILABLE, e.getMessage(), null);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      error(
          context,
          HttpStatus.SERVICE_UNAVAILABLE,
          "Cannot go on with the import: the registry ends; import the same file again",
          null);
    } finally {
      importing.release();
      Files.deleteIfExists(file);
    }
  }

  private void receive(InputStream in, Path file) throws IOException {
    long bytes = 0;
    byte[] buffer = new byte[BUFFER_BYTES];
    try (OutputStream out = Files.newOutputStream(file)) {
      int read;
      while ((read = in.read(buffer)) >= 0) {
        bytes += read;
        if (bytes > limits.fileBytes()) {
          throw new BadExportException(
              "the file has more than %d bytes".formatted(limits.fileBytes()));
        }
        out.write(buffer, 0, read);
      }
    }
  }

  private static void error(
      Context context,
      HttpStatus status,
      @Nullable String message,
      @Nullable List<String> problems) {
    ObjectNode body = JSON.createObjectNode().put("error", message);
    if (problems != null) {
      ArrayNode all = body.putArray("problems");
      problems.forEach(all::add);
    }
    send(context, status, body);
  }

  private static void send(Context context, HttpStatus status, ObjectNode body) {
    context.status(status).contentType(ContentType.APPLICATION_JSON).result(body.toString());
  }
}
