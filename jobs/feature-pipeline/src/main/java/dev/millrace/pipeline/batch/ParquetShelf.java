package dev.millrace.pipeline.batch;

import dev.millrace.platform.LocalFileIO;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.apache.iceberg.shaded.org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.iceberg.shaded.org.apache.parquet.io.LocalInputFile;

/**
 * Parquet files: one, those below a folder, or those that a glob matches. A file is read once, by
 * its path, whatever is written to it later. Names that begin with a dot or an underscore are
 * passed over, so that a writer can make a file under such a name and rename it when it is whole.
 */
record ParquetShelf(String path) implements Shelf {

  private static final int DEPTH_MOST = 32;
  private static final String GLOB = "*?[{\\";

  @Override
  public Found look(Seen seen) throws IOException {
    List<Path> present = present();
    Set<String> names = new TreeSet<>();
    List<DeliveredFile> fresh = new ArrayList<>();
    for (Path file : present) {
      names.add(file.toString());
      if (!seen.files().contains(file.toString())) {
        try {
          fresh.add(delivered(file));
        } catch (NoSuchFileException e) {
          // Gone since it was listed: another look may find it again.
          names.remove(file.toString());
        }
      }
    }
    fresh.sort(
        Comparator.comparingLong(DeliveredFile::timeMillis).thenComparing(DeliveredFile::location));
    return new Found(seen.ofFiles(names), fresh, null);
  }

  private List<Path> present() throws IOException {
    Path base = base();
    if (!Files.exists(base)) {
      throw new IOException(
          "Cannot look for Parquet files in " + base + ": there is no such file or folder");
    }
    boolean plain = base.toString().equals(Path.of(path).toString());
    PathMatcher matcher =
        plain
            ? p -> p.equals(base) || p.toString().toLowerCase(Locale.ROOT).endsWith(".parquet")
            : FileSystems.getDefault().getPathMatcher("glob:" + path);
    try (Stream<Path> walked = Files.walk(base, DEPTH_MOST)) {
      return walked
          .filter(p -> matcher.matches(p) && isWhole(base.relativize(p)) && Files.isRegularFile(p))
          .toList();
    }
  }

  /** The longest part of the path that is no glob. */
  private Path base() {
    Path base = Path.of("/");
    for (String part : path.split("/", -1)) {
      if (part.chars().anyMatch(c -> GLOB.indexOf(c) >= 0)) {
        break;
      }
      base = base.resolve(part);
    }
    return base;
  }

  private static boolean isWhole(Path relative) {
    for (Path part : relative) {
      if (part.toString().startsWith(".") || part.toString().startsWith("_")) {
        return false;
      }
    }
    return true;
  }

  private static DeliveredFile delivered(Path file) throws IOException {
    long timeMillis = Files.getLastModifiedTime(file).toMillis();
    try (ParquetFileReader reader = ParquetFileReader.open(new LocalInputFile(file))) {
      return new DeliveredFile(file.toString(), timeMillis, reader.getRecordCount(), null);
    } catch (IOException | RuntimeException e) {
      if (!Files.exists(file)) {
        throw new NoSuchFileException(file.toString());
      }
      return new DeliveredFile(file.toString(), timeMillis, 1, String.valueOf(e.getMessage()));
    }
  }

  /** The file of a location, as a task reads it. */
  static org.apache.iceberg.io.InputFile file(String location) {
    try (LocalFileIO io = new LocalFileIO()) {
      return io.newInputFile(location);
    }
  }
}
