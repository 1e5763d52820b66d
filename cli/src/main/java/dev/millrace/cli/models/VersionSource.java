package dev.millrace.cli.models;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.UserMistake;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.platform.RegistryTarget;
import dev.millrace.platform.Target;
import dev.millrace.registry.artifacts.ArtifactFolder;
import dev.millrace.registry.artifacts.ArtifactPath;
import dev.millrace.registry.mlflow.MlflowError;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * Finds the ONNX file that a version's source names: a file, a folder with one, or a folder with an
 * MLmodel of the onnx flavour; on this machine ({@code file:}), or among the registry's artifacts.
 *
 * <p>Who registered a source need not be who evaluates it. So artifacts never lead out of the
 * registry's folder, and of a {@code file:} only that is shown which a model's file gives: nothing
 * that is no ONNX model is copied or printed.
 */
final class VersionSource {

  /** The largest that protobuf has. */
  private static final long BYTES_MAX = Integer.MAX_VALUE - 8L;

  private static final int HOPS_MAX = 5;
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final String MLMODEL = "MLmodel";
  private static final String REPAIR =
      "; register a version whose source is an ONNX file, or a folder with one";
  private static final Pattern RUN = Pattern.compile("runs:/+([0-9a-f]{32})/(.+)");
  private static final Pattern LOGGED = Pattern.compile("models:/+(m-[0-9a-f]{32})(/.+)?");
  private static final Pattern VERSION = Pattern.compile("models:/+([^/@]+)/([0-9]+)(/.+)?");
  private static final Pattern PROXIED = Pattern.compile("mlflow-artifacts:(//[^/]*)?/+(.+)");
  private static final JsonMapper JSON = new JsonMapper();

  private final Target target;
  private final List<LifecycleEntry> journal;

  /** Where artifacts are copied to that lie in no folder of this machine. */
  private @Nullable Path copies;

  /**
   * @param journal that says what the sources of versions are
   */
  VersionSource(Target target, List<LifecycleEntry> journal) {
    this.target = target;
    this.journal = journal;
  }

  /**
   * A place that may have a file.
   *
   * @param artifact its path among the registry's artifacts; null on this machine's own disk
   */
  private record Place(Path path, @Nullable ArtifactPath artifact) {}

  /** What a version was registered with; null where there is no such version. */
  @Nullable LifecycleEntry registration(String model, int version) {
    return journal.stream()
        .filter(
            e ->
                e.model().equals(model)
                    && e.is(LifecycleEntry.Event.VERSION_REGISTERED)
                    && Integer.valueOf(version).equals(e.version()))
        .findFirst()
        .orElse(null);
  }

  /** The bytes of the file that a source names. */
  byte[] bytes(String source) throws IOException, InterruptedException {
    try {
      Path file = file(source);
      long bytes = Files.size(file);
      if (bytes > BYTES_MAX) {
        throw new UserMistake(
            "Cannot evaluate %s: it has %d bytes, an ONNX file at most %d"
                .formatted(file, bytes, BYTES_MAX));
      }
      return Files.readAllBytes(file);
    } finally {
      deleteCopies();
    }
  }

  private void deleteCopies() throws IOException {
    if (copies != null) {
      try (Stream<Path> files = Files.walk(copies)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
      copies = null;
    }
  }

  /** The file that a source names. */
  private Path file(String source) throws IOException, InterruptedException {
    try {
      Place place = place(source, 0);
      if (isFile(source, place)) {
        return place.path();
      }
      if (isFolder(place)) {
        return inFolder(source, place);
      }
      throw new UserMistake(
          "Cannot read %s: there is no file %s; upload it, or register another version"
              .formatted(source, place.path()));
    } catch (MlflowError e) {
      throw new UserMistake("Cannot read " + source + ": " + e.said() + REPAIR, e);
    } catch (IllegalArgumentException e) {
      throw new UserMistake("Cannot read " + source + ": " + e.getMessage() + REPAIR, e);
    }
  }

  private Place place(String source, int hops) throws IOException, InterruptedException {
    if (hops > HOPS_MAX) {
      throw new UserMistake("Cannot read " + source + ": it leads from one name to the next");
    }
    Matcher proxied = PROXIED.matcher(source);
    if (proxied.matches()) {
      requireOwn(source, proxied.group(1));
      return artifact(proxied.group(2));
    }
    Matcher run = RUN.matcher(source);
    if (run.matches()) {
      JsonNode info = ask("runs/get?run_id=" + run.group(1), source).path("run").path("info");
      return place(info.path("artifact_uri").asText() + "/" + run.group(2), hops + 1);
    }
    Matcher logged = LOGGED.matcher(source);
    if (logged.matches()) {
      JsonNode info = ask("logged-models/" + logged.group(1), source).path("model").path("info");
      String below = Objects.requireNonNullElse(logged.group(2), "");
      return place(info.path("artifact_uri").asText() + below, hops + 1);
    }
    Matcher version = VERSION.matcher(source);
    if (version.matches()) {
      LifecycleEntry named = registration(version.group(1), Integer.parseInt(version.group(2)));
      if (named == null) {
        throw new UserMistake(
            "Cannot read %s: %s has no version %s"
                .formatted(source, version.group(1), version.group(2)));
      }
      String below = Objects.requireNonNullElse(version.group(3), "");
      return place(String.valueOf(named.uri()) + below, hops + 1);
    }
    if (source.startsWith("file:")) {
      return new Place(Path.of(URI.create(source)), null);
    }
    if (source.startsWith("/")) {
      return new Place(Path.of(source), null);
    }
    throw new UserMistake(
        "Cannot read "
            + source
            + ": built are file:///…, mlflow-artifacts:/…, runs:/RUN/…, models:/NAME/VERSION and"
            + " models:/m-…; put the file to the registry's artifacts and register that");
  }

  /** Other servers' artifacts are not here. */
  private void requireOwn(String source, @Nullable String authority) {
    RegistryTarget registry = target.registry();
    if (authority == null || authority.equals("//")) {
      return;
    }
    if (registry == null || !authority.equals("//" + URI.create(registry.url()).getAuthority())) {
      throw new UserMistake(
          "Cannot read %s: its artifacts are at %s, this registry is %s%s"
              .formatted(source, authority.substring(2), registry, REPAIR));
    }
  }

  private Place artifact(String path) throws IOException {
    ArtifactPath artifact = ArtifactPath.of(path.replaceAll("/+$", ""));
    return new Place(root().resolve(artifact.toString()), artifact);
  }

  /** The folder of all artifacts, or where copies of them are made. */
  private Path root() throws IOException {
    if (isHere()) {
      return Path.of(URI.create(target.mlflowPlace()));
    }
    if (copies == null) {
      copies = Files.createTempDirectory("millrace-artifacts");
    }
    return copies;
  }

  /** Whether artifacts are in a folder of this machine. */
  private boolean isHere() {
    return target.mlflowPlace().startsWith("file:");
  }

  private RegistryFiles registryFiles(ArtifactPath artifact) {
    RegistryTarget registry = target.registry();
    if (registry == null) {
      throw new UserMistake(
          "Cannot read artifact "
              + artifact
              + ": the target names no registry; add registry: to it");
    }
    return new RegistryFiles(registry);
  }

  /** Whether there is a file, which then can be read at the place's path. */
  private boolean isFile(String source, Place place) throws IOException, InterruptedException {
    ArtifactPath artifact = place.artifact();
    if (artifact == null || isHere()) {
      refuseLinks(source, place);
      return Files.isRegularFile(place.path());
    }
    return registryFiles(artifact).fetch(artifact, place.path());
  }

  private boolean isFolder(Place place) throws IOException, InterruptedException {
    ArtifactPath artifact = place.artifact();
    if (artifact != null && !isHere()) {
      return !registryFiles(artifact).names(artifact).isEmpty();
    }
    return Files.isDirectory(place.path());
  }

  private List<String> names(Place folder) throws IOException, InterruptedException {
    ArtifactPath artifact = folder.artifact();
    if (artifact != null && !isHere()) {
      return registryFiles(artifact).names(artifact);
    }
    try (Stream<Path> files = Files.list(folder.path())) {
      return files.map(f -> String.valueOf(f.getFileName())).toList();
    }
  }

  /** What lies among the artifacts came from anybody: no part of the way is a link. */
  private void refuseLinks(String source, Place place) throws IOException {
    ArtifactPath artifact = place.artifact();
    if (artifact == null) {
      return;
    }
    try {
      new ArtifactFolder(root()).refuseLinks(artifact);
    } catch (IOException e) {
      throw new UserMistake("Cannot read " + source + ": " + e.getMessage() + REPAIR, e);
    }
  }

  private Path inFolder(String source, Place folder) throws IOException, InterruptedException {
    String name;
    Place described = child(folder, MLMODEL);
    if (isFile(source, described)) {
      name = dataOfOnnxFlavour(source, described.path());
    } else {
      List<String> models =
          names(folder).stream().filter(n -> n.endsWith(".onnx")).sorted().toList();
      if (models.size() != 1) {
        throw new UserMistake(
            "Cannot evaluate %s: the folder has no %s, and of ONNX files %s, not one%s"
                .formatted(source, MLMODEL, models, REPAIR));
      }
      name = models.get(0);
    }
    Place file = child(folder, name);
    if (!isFile(source, file)) {
      throw new UserMistake(
          "Cannot evaluate %s: its %s names %s, which is no file of the folder"
              .formatted(source, MLMODEL, name));
    }
    return file.path();
  }

  /** A path below a folder, of plain names alone. */
  private static Place child(Place folder, String name) {
    ArtifactPath below = ArtifactPath.of(name);
    ArtifactPath artifact = folder.artifact();
    if (artifact != null) {
      for (String one : below.names()) {
        artifact = artifact.resolve(one);
      }
    }
    return new Place(folder.path().resolve(below.toString()), artifact);
  }

  private static String dataOfOnnxFlavour(String source, Path mlmodel) throws IOException {
    Object read;
    try {
      read =
          new Load(LoadSettings.builder().setLabel(MLMODEL).build())
              .loadFromString(Files.readString(mlmodel));
    } catch (YamlEngineException e) {
      throw new UserMistake(
          "Cannot evaluate " + source + ": its " + MLMODEL + " is no YAML: " + e.getMessage(), e);
    }
    Object flavors = read instanceof Map<?, ?> map ? map.get("flavors") : null;
    if (flavors instanceof Map<?, ?> map && map.get("onnx") instanceof Map<?, ?> onnx) {
      if (onnx.get("data") instanceof String data) {
        return data;
      }
      throw new UserMistake(
          "Cannot evaluate %s: the onnx flavour of its %s has no data: that names the file"
              .formatted(source, MLMODEL));
    }
    throw new UserMistake(
        "Cannot evaluate %s: its %s has flavours %s, not onnx; log it with mlflow.onnx.log_model"
            .formatted(source, MLMODEL, flavors instanceof Map<?, ?> map ? map.keySet() : "none"));
  }

  private JsonNode ask(String path, String source) throws IOException, InterruptedException {
    RegistryTarget registry = target.registry();
    if (registry == null) {
      throw new UserMistake(
          "Cannot read " + source + ": the target names no registry; add registry: to it");
    }
    HttpResponse<String> answer = registry.get("/api/2.0/mlflow/" + path, PATIENCE);
    if (answer.statusCode() / 100 == 4) {
      throw new UserMistake(
          "Cannot read " + source + ": " + JSON.readTree(answer.body()).path("message").asText());
    }
    if (answer.statusCode() != 200) {
      throw new CommandFailed(
          "Cannot read %s: the registry answers %s with status %d; see ./millrace status"
              .formatted(source, path, answer.statusCode()));
    }
    return JSON.readTree(answer.body());
  }
}
