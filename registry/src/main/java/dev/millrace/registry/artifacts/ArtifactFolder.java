package dev.millrace.registry.artifacts;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Artifacts in a folder. A file is there whole or not at all: it is written beside the others and
 * moved to its place when all of it was taken and its sha256 is what was promised. Links are not
 * followed, wherever they lead.
 */
public final class ArtifactFolder implements ArtifactStore {

  /** Begins with a dot, which no path of an artifact does. */
  private static final String INCOMING = ".incoming";

  private static final String DIGESTS = ".sha256";

  private final Path root;

  /** A folder that is made where it is not there. */
  public ArtifactFolder(Path root) throws IOException {
    Files.createDirectories(root);
    this.root = root.toRealPath();
    Files.createDirectories(this.root.resolve(INCOMING));
    Files.createDirectories(this.root.resolve(DIGESTS));
  }

  @Override
  public String put(ArtifactPath path, InputStream bytes, long maxBytes, @Nullable String promised)
      throws IOException {
    Path target = place(path);
    Path incoming = root.resolve(INCOMING).resolve(UUID.randomUUID().toString());
    try {
      String sha256 = Sha256.end(write(incoming, bytes, maxBytes), promised);
      Files.createDirectories(target.getParent());
      refuseLinks(target);
      Path digest = digest(path);
      Files.createDirectories(digest.getParent());
      Files.deleteIfExists(digest);
      Files.move(
          incoming, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      Files.writeString(digest, sha256, StandardCharsets.US_ASCII);
      return sha256;
    } finally {
      Files.deleteIfExists(incoming);
    }
  }

  private static MessageDigest write(Path file, InputStream bytes, long maxBytes)
      throws IOException {
    MessageDigest digest = Sha256.begin();
    try (FileChannel channel =
            FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        OutputStream out = new DigestOutputStream(Channels.newOutputStream(channel), digest)) {
      byte[] buffer = new byte[64 * 1024];
      long left = maxBytes;
      for (int read = bytes.read(buffer); read >= 0; read = bytes.read(buffer)) {
        left -= read;
        if (left < 0) {
          throw new TooLargeException(maxBytes);
        }
        out.write(buffer, 0, read);
      }
      channel.force(true);
    }
    return digest;
  }

  @Override
  public Opened open(ArtifactPath path) throws IOException {
    Path file = place(path);
    refuseLinks(file);
    BasicFileAttributes attributes = attributes(path, file);
    if (!attributes.isRegularFile()) {
      throw new FileNotFoundException(path + " is no file");
    }
    Path digest = digest(path);
    Optional<String> sha256 =
        Files.isRegularFile(digest, LinkOption.NOFOLLOW_LINKS)
            ? Optional.of(Files.readString(digest, StandardCharsets.US_ASCII))
            : Optional.empty();
    return new Opened(Files.newInputStream(file), attributes.size(), sha256);
  }

  private static BasicFileAttributes attributes(ArtifactPath path, Path file) throws IOException {
    try {
      return Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    } catch (NoSuchFileException e) {
      FileNotFoundException missing = new FileNotFoundException("there is no artifact " + path);
      missing.initCause(e);
      throw missing;
    }
  }

  @Override
  public List<Entry> list(ArtifactPath path) throws IOException {
    Path folder = place(path);
    refuseLinks(folder);
    if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
      return List.of();
    }
    List<Entry> entries = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.sorted(Comparator.comparing(Path::getFileName)).toList()) {
        String name = String.valueOf(file.getFileName());
        BasicFileAttributes attributes =
            Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        if (ArtifactPath.isName(name) && (attributes.isDirectory() || attributes.isRegularFile())) {
          entries.add(
              new Entry(
                  name,
                  attributes.isDirectory(),
                  attributes.isDirectory() ? 0 : attributes.size()));
        }
      }
    }
    return entries;
  }

  @Override
  public void delete(ArtifactPath path) throws IOException {
    refuseLinks(place(path));
    if (path.names().isEmpty()) {
      throw new IOException("the root of all artifacts is not deleted");
    }
    for (Path place : List.of(place(path), digest(path))) {
      if (Files.exists(place, LinkOption.NOFOLLOW_LINKS)) {
        Files.walkFileTree(place, new Deletion());
      }
    }
  }

  private static final class Deletion extends SimpleFileVisitor<Path> {
    @Override
    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
      Files.deleteIfExists(file);
      return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult postVisitDirectory(Path folder, @Nullable IOException failure)
        throws IOException {
      if (failure != null) {
        throw failure;
      }
      try {
        Files.deleteIfExists(folder);
      } catch (DirectoryNotEmptyException e) {
        // Somebody has put a file there meanwhile; that one was not meant.
        return FileVisitResult.CONTINUE;
      }
      return FileVisitResult.CONTINUE;
    }
  }

  private Path place(ArtifactPath path) throws IOException {
    return below(root, path);
  }

  private Path digest(ArtifactPath path) throws IOException {
    return below(root.resolve(DIGESTS), path);
  }

  private static Path below(Path folder, ArtifactPath path) throws IOException {
    Path place = folder;
    for (String name : path.names()) {
      place = place.resolve(name);
    }
    if (!place.normalize().equals(place) || !place.startsWith(folder)) {
      throw new IOException("path " + path + " leads out of its folder");
    }
    return place;
  }

  /** No part of the way may be a link: it could lead anywhere. */
  private void refuseLinks(Path target) throws IOException {
    for (Path place = target; place != null && !place.equals(root); place = place.getParent()) {
      if (Files.isSymbolicLink(place)) {
        throw new IOException("a part of its path is a link");
      }
    }
  }

  /** The same before somebody else reads something. */
  public void refuseLinks(ArtifactPath path) throws IOException {
    refuseLinks(place(path));
  }

  @Override
  public String toString() {
    return root.toString();
  }
}
