package dev.millrace.registry.access;

import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/** The file of tokens: YAML, with a digest in place of each token. */
public final class TokenFile {

  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
  private static final Pattern NAME = Pattern.compile("[\\p{L}\\p{N}][\\p{L}\\p{N}._@+-]{0,99}");
  private static final Pattern PROJECT = Pattern.compile("[a-z][a-z0-9_]*|\\*");
  private static final List<String> KEYS = List.of("name", "sha256", "role", "projects", "expires");
  private static final long BYTES_MAX = 1 << 20;

  private final Path file;
  private final List<String> problems = new ArrayList<>();

  private TokenFile(Path file) {
    this.file = file;
  }

  /**
   * Reads all tokens.
   *
   * @throws IOException naming every mistake; no value of {@code sha256} is in the message
   */
  public static List<AccessToken> read(Path file) throws IOException {
    String text;
    try {
      if (Files.size(file) > BYTES_MAX) {
        throw new IOException(
            "Cannot use tokens file " + file + ": it has more than " + BYTES_MAX + " bytes");
      }
      text = Files.readString(file);
    } catch (NoSuchFileException e) {
      throw new IOException(
          "Cannot use tokens file "
              + file
              + ": there is no such file; make it with ./millrace tokens add NAME --role admin"
              + " --project '*' --file "
              + file,
          e);
    }
    if (permissions(file).contains(PosixFilePermission.OTHERS_WRITE)) {
      throw new IOException(
          "Cannot use tokens file "
              + file
              + ": everybody on this machine may write it, and make themselves admin; chmod 600");
    }
    return new TokenFile(file).parse(text);
  }

  /** Whether others on this machine may read it. */
  static boolean isReadByOthers(Path file) throws IOException {
    return permissions(file).contains(PosixFilePermission.OTHERS_READ);
  }

  private static Set<PosixFilePermission> permissions(Path file) throws IOException {
    return posix() ? Files.getPosixFilePermissions(file) : Set.of();
  }

  private static boolean posix() {
    return FileSystems.getDefault().supportedFileAttributeViews().contains("posix");
  }

  private List<AccessToken> parse(String text) throws IOException {
    Object loaded;
    try {
      loaded =
          new Load(LoadSettings.builder().setLabel(file.toString()).build()).loadFromString(text);
    } catch (YamlEngineException e) {
      // Its message may quote a line of the file.
      throw new IOException("Cannot use tokens file " + file + ": it is no YAML", e);
    }
    List<AccessToken> tokens = new ArrayList<>();
    if (loaded instanceof Map<?, ?> top
        && top.keySet().equals(Set.of("tokens"))
        && top.get("tokens") instanceof List<?> entries) {
      for (int i = 0; i < entries.size(); i++) {
        AccessToken token = entry("tokens[" + i + "]", entries.get(i));
        if (token != null) {
          tokens.add(token);
        }
      }
      if (entries.isEmpty()) {
        problems.add("tokens: is empty, so nobody could do anything; add one");
      }
    } else {
      problems.add("write a map with the one key tokens, a list");
    }
    refuseDoubles(tokens);
    if (!problems.isEmpty()) {
      throw new IOException(
          "Cannot use tokens file " + file + ":\n  " + String.join("\n  ", problems));
    }
    return tokens;
  }

  private @Nullable AccessToken entry(String path, @Nullable Object value) {
    if (!(value instanceof Map<?, ?> given)) {
      problems.add(path + ": is no map; write name, sha256, role and projects");
      return null;
    }
    int before = problems.size();
    Map<String, @Nullable Object> left = new LinkedHashMap<>();
    given.forEach((key, each) -> left.put(String.valueOf(key), each));
    String name = text(left, path, "name");
    if (!name.isEmpty() && !NAME.matcher(name).matches()) {
      problems.add(
          path
              + ".name: is '"
              + name
              + "'; write at most 100 letters, digits and . _ @ + -, a letter or digit first");
    }
    String sha256 = text(left, path, "sha256");
    if (!sha256.isEmpty() && !SHA256.matcher(sha256).matches()) {
      problems.add(path + ".sha256: is not 64 hex digits in small letters; write the token's");
    }
    String roleText = text(left, path, "role");
    Role role = Role.of(roleText).orElse(Role.READER);
    if (!roleText.isEmpty() && Role.of(roleText).isEmpty()) {
      problems.add(path + ".role: is '" + roleText + "'; write one of " + Role.all());
    }
    Projects projects = projects(left, path);
    Instant expires = expires(left, path);
    left.keySet()
        .forEach(
            key ->
                problems.add(
                    path + "." + key + ": unknown key; known are " + String.join(", ", KEYS)));
    return problems.size() > before ? null : new AccessToken(name, sha256, role, projects, expires);
  }

  private String text(Map<String, @Nullable Object> left, String path, String key) {
    Object value = left.remove(key);
    String text = value == null ? "" : String.valueOf(value);
    if (text.isEmpty()) {
      problems.add(path + "." + key + ": required, not set");
    }
    return text;
  }

  private Projects projects(Map<String, @Nullable Object> left, String path) {
    Object value = left.remove("projects");
    List<String> names = new ArrayList<>();
    if (value instanceof List<?> list) {
      list.forEach(each -> names.add(String.valueOf(each)));
    } else if (value != null) {
      names.add(String.valueOf(value));
    }
    if (names.isEmpty()) {
      problems.add(path + ".projects: required, not set; write a list of names, or \"*\" for all");
    }
    names.stream()
        .filter(name -> !PROJECT.matcher(name).matches())
        .forEach(name -> problems.add(path + ".projects: '" + name + "' is no project's name"));
    return Projects.of(names);
  }

  private @Nullable Instant expires(Map<String, @Nullable Object> left, String path) {
    Object value = left.remove("expires");
    if (value == null) {
      return null;
    }
    try {
      return OffsetDateTime.parse(String.valueOf(value)).toInstant();
    } catch (DateTimeParseException e) {
      problems.add(
          path + ".expires: is '" + value + "'; write a point in time like 2030-01-31T00:00:00Z");
      return null;
    }
  }

  private void refuseDoubles(List<AccessToken> tokens) {
    Map<String, String> names = new HashMap<>();
    Set<String> digests = new HashSet<>();
    for (AccessToken token : tokens) {
      if (names.put(token.name(), token.name()) != null) {
        problems.add(
            "name " + token.name() + ": is there twice, and the journal could not tell; rename");
      }
      if (!digests.add(token.sha256())) {
        problems.add("sha256 of " + token.name() + ": another token has the same; make a new one");
      }
    }
  }

  /** How a token stands in the file. */
  public static String entry(AccessToken token) {
    StringBuilder text = new StringBuilder();
    text.append("  - name: \"").append(token.name()).append("\"\n");
    text.append("    sha256: \"").append(token.sha256()).append("\"\n");
    text.append("    role: ").append(token.role().text()).append('\n');
    text.append("    projects: [")
        .append(
            token.projects().all()
                ? "\"*\""
                : String.join(
                    ", ", token.projects().names().stream().map(n -> '"' + n + '"').toList()))
        .append("]\n");
    Instant expires = token.expires();
    if (expires != null) {
      text.append("    expires: ").append('"').append(expires).append("\"\n");
    }
    return text.toString();
  }

  /**
   * Adds a token at the end, also of a file that is not there yet. A registry that runs takes it
   * with its next request.
   *
   * @throws IOException where the file would not be one of tokens then; it stays as it is
   */
  public static void add(Path file, AccessToken token) throws IOException {
    Path real = Files.exists(file) ? file.toRealPath() : file.toAbsolutePath();
    String before = Files.exists(real) ? Files.readString(real) : "tokens:\n";
    String after = before + (before.endsWith("\n") ? "" : "\n") + entry(token);
    List<AccessToken> unusedTokens = new TokenFile(file).parse(after);
    Path folder = real.getParent();
    FileAttribute<?>[] mine =
        posix()
            ? new FileAttribute<?>[] {
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
            }
            : new FileAttribute<?>[0];
    Path written = Files.createTempFile(folder, ".tokens", ".yaml", mine);
    try {
      Files.writeString(written, after);
      try {
        Files.move(written, real, StandardCopyOption.ATOMIC_MOVE);
      } catch (AtomicMoveNotSupportedException e) {
        Files.move(written, real, StandardCopyOption.REPLACE_EXISTING);
      }
    } finally {
      Files.deleteIfExists(written);
    }
  }

  /** Checks what a new token is to be called and whose it is. */
  public static List<String> mistakes(String name, List<String> projects) {
    TokenFile nowhere = new TokenFile(Path.of(""));
    Map<String, @Nullable Object> given = new LinkedHashMap<>();
    given.put("name", name);
    given.put("sha256", "0".repeat(64));
    given.put("role", Role.READER.text());
    given.put("projects", projects);
    var unusedToken = nowhere.entry("token", given);
    return List.copyOf(nowhere.problems);
  }
}
