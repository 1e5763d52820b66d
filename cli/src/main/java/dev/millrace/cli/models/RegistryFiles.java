package dev.millrace.cli.models;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.platform.RegistryTarget;
import dev.millrace.registry.artifacts.ArtifactPath;
import java.io.IOException;
import java.net.URLEncoder;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** The registry's artifacts over HTTP, for where they lie in no folder of this machine. */
record RegistryFiles(RegistryTarget registry) {

  private static final String ROOT = "/api/2.0/mlflow-artifacts/artifacts";
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int OK = 200;
  private static final int NOT_FOUND = 404;
  private static final JsonMapper JSON = new JsonMapper();

  /**
   * Copies a file.
   *
   * @return whether there is one
   * @throws IOException where the registry does not give it, or other bytes came than it promised
   */
  boolean fetch(ArtifactPath path, Path file) throws IOException, InterruptedException {
    Files.createDirectories(file.getParent());
    String escaped =
        path.names().stream().map(RegistryFiles::escaped).collect(Collectors.joining("/"));
    HttpResponse<Path> answer =
        registry.send(
            ROOT + "/" + escaped, PATIENCE, get -> get, HttpResponse.BodyHandlers.ofFile(file));
    if (answer.statusCode() != OK) {
      Files.delete(file);
      if (answer.statusCode() == NOT_FOUND) {
        return false;
      }
      throw refused(path, answer.statusCode());
    }
    Optional<String> promised = answer.headers().firstValue("Repr-Digest");
    if (promised.isPresent() && !promised.get().contains(sha256(file))) {
      Files.delete(file);
      throw new IOException(
          "other bytes came of " + path + " than the registry promised; try again");
    }
    return true;
  }

  /** The names of what is in a folder; none of one that is not there. */
  List<String> names(ArtifactPath folder) throws IOException, InterruptedException {
    HttpResponse<String> answer =
        registry.get(ROOT + "?path=" + escaped(folder.toString()), PATIENCE);
    if (answer.statusCode() != OK) {
      throw refused(folder, answer.statusCode());
    }
    List<String> names = new ArrayList<>();
    for (JsonNode file : JSON.readTree(answer.body()).path("files")) {
      names.add(file.path("path").asText());
    }
    return names;
  }

  private static IOException refused(ArtifactPath path, int status) {
    return new IOException(
        "the registry answers with status " + status + " for " + path + "; its log says why");
  }

  private static String escaped(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  private static String sha256(Path file) throws IOException {
    try (DigestInputStream in =
        new DigestInputStream(Files.newInputStream(file), MessageDigest.getInstance("SHA-256"))) {
      byte[] buffer = new byte[64 * 1024];
      while (in.read(buffer) >= 0) {
        // The digest sees it.
      }
      return Base64.getEncoder().encodeToString(in.getMessageDigest().digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Cannot check files: every Java has SHA-256", e);
    }
  }
}
