package dev.millrace.client;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpResponse.BodySubscribers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Files of runs and versions, over HTTP. Bytes are streamed, so a file may be larger than the
 * memory. Here too a timeout is how long nothing may move, not how long a file may take.
 *
 * <p>Addresses are {@code mlflow-artifacts:/…}, {@code runs:/RUN/PATH}, {@code
 * models:/NAME/VERSION} and {@code models:/NAME@ALIAS}.
 */
public final class Artifacts {

  private static final String FILES = "/api/2.0/mlflow-artifacts/artifacts/";
  private static final String OWN = "mlflow-artifacts:/";
  private static final Pattern OF_RUN = Pattern.compile("runs:/([^/]+)/(.+)");
  private static final Pattern OF_VERSION = Pattern.compile("models:/([^/@]+)/(\\d+)");
  private static final Pattern OF_ALIAS = Pattern.compile("models:/([^/@]+)@([^/@]+)");

  /** Of addresses that stand for addresses. */
  private static final int DEPTH_MAX = 5;

  private final Transport transport;

  Artifacts(Transport transport) {
    this.transport = transport;
  }

  /** What came from a server, or what it said in its place. */
  private record Answer(Optional<FileSubscriber.Received> received, byte[] said) {}

  /**
   * Uploads a file of a run, in the place of one that was there.
   *
   * @param path below the run's artifacts, such as {@code model/model.onnx}
   * @return its address
   * @throws RegistryException {@code INVALID_PARAMETER_VALUE} where other bytes arrived than were
   *     sent, or the path has a name that begins with a dot or has a backslash, colon or percent
   *     sign
   */
  public String upload(Run run, String path, Path file) throws IOException, InterruptedException {
    String address = below(run.artifactUri(), path);
    put(path(address, 0), file, Digests.of(file));
    return address;
  }

  /** Uploads a file to a place that is named after its bytes. */
  String uploadByDigest(Path file) throws IOException, InterruptedException {
    String sha256 = Digests.of(file);
    String path = "registered/" + sha256 + "/" + plain(file);
    put(path, file, sha256);
    return OWN + path;
  }

  /** A name that every file system takes, as near to the file's as that can be. */
  private static String plain(Path file) {
    Path name = file.getFileName();
    String plain =
        name == null
            ? ""
            : name.toString().replaceAll("[^A-Za-z0-9._-]", "_").replaceAll("^\\.+", "");
    return plain.isEmpty() ? "artifact" : plain;
  }

  private static String below(String folder, String path) {
    return folder.replaceAll("/+$", "") + "/" + path;
  }

  private void put(String path, Path file, String sha256) throws IOException, InterruptedException {
    String what = "upload " + file + " to " + path;
    transport.tried(what, () -> putOnce(what, path, file, sha256));
  }

  private HttpResponse<byte[]> putOnce(String what, String path, Path file, String sha256)
      throws IOException, InterruptedException {
    AtomicLong moved = new AtomicLong(System.nanoTime());
    BodyPublisher body =
        Files.size(file) == 0 ? BodyPublishers.noBody() : new FilePublisher(file, moved);
    HttpRequest request =
        transport
            .request(FILES + Query.escapedPath(path))
            .header("Content-Type", "application/octet-stream")
            .header("Content-Digest", Digests.field(sha256))
            .PUT(body)
            .build();
    HttpResponse<byte[]> response = transport.send(request, BodyHandlers.ofByteArray(), moved::get);
    if (response.statusCode() != 200) {
      throw Transport.refused(what, response, response.body());
    }
    return response;
  }

  /**
   * Downloads what an address stands for. The file is there whole or not at all: it is written
   * beside its place, held against the sha256 that the registry promised, and moved.
   *
   * @param file where it is put, in the place of what was there
   * @throws RegistryException {@code RESOURCE_DOES_NOT_EXIST}
   * @throws OtherBytesException where other bytes came than were promised
   */
  public Download download(String address, Path file) throws IOException, InterruptedException {
    String path = path(address, 0);
    String what = "download " + address + " to " + file;
    Path absolute = file.toAbsolutePath();
    Path folder = absolute.getParent();
    if (folder == null || Files.isDirectory(absolute)) {
      throw new IllegalArgumentException(
          "Cannot " + what + ": that is a folder; name a file in it");
    }
    Files.createDirectories(folder);
    Path coming = folder.resolve("." + absolute.getFileName() + "." + UUID.randomUUID() + ".part");
    try {
      Download came = transport.tried(what, () -> getOnce(what, path, coming));
      Files.move(
          coming, absolute, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      return new Download(absolute, came.bytes(), came.sha256(), came.verified());
    } finally {
      Files.deleteIfExists(coming);
    }
  }

  /** The same of a file of a run. */
  public Download download(Run run, String path, Path file)
      throws IOException, InterruptedException {
    return download(below(run.artifactUri(), path), file);
  }

  /** The same of what a version was registered with, where that is one file. */
  public Download download(ModelVersion version, Path file)
      throws IOException, InterruptedException {
    return download(version.source(), file);
  }

  private Download getOnce(String what, String path, Path coming)
      throws IOException, InterruptedException {
    AtomicLong moved = new AtomicLong(System.nanoTime());
    HttpResponse<Answer> response =
        transport.send(
            transport.request(FILES + Query.escapedPath(path)).GET().build(),
            head ->
                head.statusCode() == 200
                    ? BodySubscribers.mapping(
                        new FileSubscriber(coming, moved),
                        received -> new Answer(Optional.of(received), new byte[0]))
                    : BodySubscribers.mapping(
                        BodySubscribers.ofByteArray(), said -> new Answer(Optional.empty(), said)),
            moved::get);
    if (response.body().received().isEmpty()) {
      throw Transport.refused(what, response, response.body().said());
    }
    FileSubscriber.Received received = response.body().received().get();
    Optional<String> promised =
        response.headers().firstValue("Repr-Digest").flatMap(Digests::promised);
    if (promised.isPresent() && !promised.get().equals(received.sha256())) {
      throw new OtherBytesException(what, promised.get(), received.sha256());
    }
    return new Download(coming, received.bytes(), received.sha256(), promised.isPresent());
  }

  /**
   * What is in a folder of a run, by name; what is in its folders is not.
   *
   * @param folder empty for all that the run has
   */
  public List<Artifact> list(Run run, String folder) throws IOException, InterruptedException {
    return Pages.all(
        "files",
        Artifact::of,
        Integer.MAX_VALUE,
        token -> {
          Query query = new Query().with("run_id", run.id());
          if (!folder.isEmpty()) {
            query = query.with("path", folder);
          }
          return transport.get(
              "list the artifacts of run " + run.id(),
              Transport.MLFLOW
                  + "artifacts/list"
                  + (token.isEmpty() ? query : query.with("page_token", token)));
        });
  }

  /** In the folder of the registry, what an address stands for. */
  private String path(String address, int depth) throws IOException, InterruptedException {
    if (depth > DEPTH_MAX) {
      throw new IOException(
          "Cannot find artifact " + address + ": it stands for another address, and so on");
    }
    if (address.startsWith(OWN)) {
      String path = address.substring(OWN.length());
      if (!path.startsWith("/")) {
        return path;
      }
    }
    Matcher ofRun = OF_RUN.matcher(address);
    if (ofRun.matches()) {
      JsonNode run =
          transport.get(
              "get run " + ofRun.group(1),
              Transport.MLFLOW + "runs/get" + new Query().with("run_id", ofRun.group(1)));
      return path(below(run.at("/run/info/artifact_uri").asText(), ofRun.group(2)), depth + 1);
    }
    Matcher ofVersion = OF_VERSION.matcher(address);
    if (ofVersion.matches()) {
      return path(
          source(
              address,
              "model-versions/get",
              new Query().with("name", ofVersion.group(1)).with("version", ofVersion.group(2))),
          depth + 1);
    }
    Matcher ofAlias = OF_ALIAS.matcher(address);
    if (ofAlias.matches()) {
      return path(
          source(
              address,
              "registered-models/alias",
              new Query().with("name", ofAlias.group(1)).with("alias", ofAlias.group(2))),
          depth + 1);
    }
    throw new IOException(
        "Cannot read or write artifact "
            + address
            + ": the registry has those of mlflow-artifacts:/, runs:/ and models:/; use the client of"
            + " the store that it is in");
  }

  private String source(String address, String path, Query query)
      throws IOException, InterruptedException {
    JsonNode version = transport.get("find " + address, Transport.MLFLOW + path + query);
    return version.at("/model_version/source").asText();
  }
}
