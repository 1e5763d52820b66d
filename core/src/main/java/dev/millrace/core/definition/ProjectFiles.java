package dev.millrace.core.definition;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;

/** The files of one project, by their path below its folder; nothing outside can be named. */
abstract class ProjectFiles {

  static final int LARGEST_BYTES = 1 << 20;

  /** A file that cannot be used, with a reason and a repair for the user. */
  static final class Refused extends Exception {
    private static final long serialVersionUID = 1L;

    final String reason;
    final String repair;

    Refused(String reason, String repair) {
      super(reason);
      this.reason = reason;
      this.repair = repair;
    }
  }

  /** The name of the file that holds the project. */
  abstract String root();

  abstract String content(String name) throws Refused;

  String read(String name) throws Refused {
    return content(name);
  }

  /** The path with forward slashes and without {@code ./}; refused where it could lead out. */
  static String confined(String path) throws Refused {
    boolean odd =
        path.isBlank() || path.startsWith("/") || path.indexOf('\\') >= 0 || path.indexOf(0) >= 0;
    StringBuilder name = new StringBuilder();
    if (!odd && !path.matches("[A-Za-z]:.*")) {
      for (String part : path.split("/", -1)) {
        if (part.equals(".")) {
          continue;
        }
        if (part.isEmpty() || part.equals("..")) {
          name.setLength(0);
          break;
        }
        name.append(name.length() == 0 ? "" : "/").append(part);
      }
    }
    if (name.length() == 0) {
      throw new Refused(
          "'" + path + "' does not lie in the project's folder",
          "name a file by its path below that folder");
    }
    return name.toString();
  }

  static ProjectFiles of(Map<String, String> contents) {
    String root = rootOf(contents);
    return new ProjectFiles() {
      @Override
      String root() {
        return root;
      }

      @Override
      String content(String name) throws Refused {
        String content = contents.get(name);
        if (content == null) {
          throw new Refused("there is no file " + name, "create it or correct its name");
        }
        if (content.length() > LARGEST_BYTES) {
          throw tooLarge(name);
        }
        return content;
      }
    };
  }

  /** {@code millrace.yaml}, or, where the user's own is named otherwise, the one with a project. */
  private static String rootOf(Map<String, String> contents) {
    return contents.containsKey(Definitions.FILE)
        ? Definitions.FILE
        : contents.entrySet().stream()
            .filter(e -> e.getKey().matches("[^/]+\\.ya?ml"))
            .filter(e -> e.getValue().startsWith("project:") || e.getValue().contains("\nproject:"))
            .map(Map.Entry::getKey)
            .sorted()
            .findFirst()
            .orElse(Definitions.FILE);
  }

  static ProjectFiles in(Path folderOrFile) {
    Path absolute = folderOrFile.toAbsolutePath().normalize();
    boolean isFolder = Files.isDirectory(absolute);
    Path parent = absolute.getParent();
    Path folder = isFolder || parent == null ? absolute : parent;
    String root = isFolder ? Definitions.FILE : String.valueOf(absolute.getFileName());
    return new ProjectFiles() {
      @Override
      String root() {
        return root;
      }

      @Override
      String content(String name) throws Refused {
        return onDisk(folder, name, name.equals(root));
      }
    };
  }

  /** The project's own file may be a link, as mounted ones are; what it names may not lead out. */
  private static String onDisk(Path folder, String name, boolean isRoot) throws Refused {
    try {
      Path file = folder.resolve(name);
      if (!Files.isRegularFile(file)) {
        throw new Refused(
            "there is no file " + (isRoot ? file : name), "create it or correct its name");
      }
      if (!isRoot && !file.toRealPath().startsWith(folder.toRealPath())) {
        throw new Refused(
            "'" + name + "' is a link out of the project's folder", "put the file itself there");
      }
      try (InputStream in = Files.newInputStream(file)) {
        byte[] bytes = in.readNBytes(LARGEST_BYTES + 1);
        if (bytes.length > LARGEST_BYTES) {
          throw tooLarge(name);
        }
        return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      }
    } catch (CharacterCodingException e) {
      throw new Refused("'" + name + "' is not UTF-8 text", "save it as UTF-8");
    } catch (InvalidPathException e) {
      throw new Refused("'" + name + "' is no file name", "correct it");
    } catch (IOException e) {
      throw new Refused("cannot read " + name + ": " + e, "check the file's permissions");
    }
  }

  private static Refused tooLarge(String name) {
    return new Refused(name + " is larger than 1 MiB", "split it with include:");
  }
}
