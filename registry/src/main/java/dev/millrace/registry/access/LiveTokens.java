package dev.millrace.registry.access;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The tokens of a file as it is now: it is looked at with each request and read again where it was
 * changed. One that cannot be read changes nothing, and the log says so.
 */
public final class LiveTokens {

  private static final Logger LOG = LoggerFactory.getLogger(LiveTokens.class);

  /** Tells one state of the file from another. */
  private record Stamp(FileTime changed, long bytes, @Nullable Object key) {
    static @Nullable Stamp of(Path file) {
      try {
        BasicFileAttributes now = Files.readAttributes(file, BasicFileAttributes.class);
        return new Stamp(now.lastModifiedTime(), now.size(), now.fileKey());
      } catch (IOException e) {
        return null;
      }
    }
  }

  private record Read(@Nullable Stamp stamp, List<AccessToken> tokens) {}

  private final Path file;
  private volatile Read read;

  private LiveTokens(Path file, Read read) {
    this.file = file;
    this.read = read;
  }

  /**
   * Reads the file for the first time.
   *
   * @throws IOException where it cannot be used
   */
  public static LiveTokens open(Path file) throws IOException {
    // Before the text, so that a change in between is seen as one.
    Stamp stamp = Stamp.of(file);
    List<AccessToken> tokens = TokenFile.read(file);
    if (TokenFile.isReadByOthers(file)) {
      LOG.warn(
          "Everybody on this machine may read {}: it has digests and no tokens, but chmod 600"
              + " would hide names and roles too",
          file);
    }
    LOG.info("{} tokens are in {}", tokens.size(), file);
    return new LiveTokens(file, new Read(stamp, tokens));
  }

  /** The token that a client sent, where there is such a one. */
  Optional<AccessToken> of(String secret) {
    byte[] digest = AccessToken.digest(secret);
    AccessToken found = null;
    // All of them, whichever it is: the time tells nothing.
    for (AccessToken token : now()) {
      if (token.isOf(digest)) {
        found = token;
      }
    }
    return Optional.ofNullable(found);
  }

  private List<AccessToken> now() {
    Read known = read;
    Stamp stamp = Stamp.of(file);
    if (same(stamp, known.stamp)) {
      return known.tokens;
    }
    synchronized (this) {
      if (!same(stamp, read.stamp)) {
        read = new Read(stamp, again(read.tokens));
      }
      return read.tokens;
    }
  }

  private static boolean same(@Nullable Stamp one, @Nullable Stamp other) {
    return one == null ? other == null : one.equals(other);
  }

  private List<AccessToken> again(List<AccessToken> before) {
    try {
      List<AccessToken> tokens = TokenFile.read(file);
      LOG.info("{} was changed: {} tokens", file, tokens.size());
      return tokens;
    } catch (IOException e) {
      LOG.error("The tokens read before stay in force: {}", e.getMessage());
      return before;
    }
  }
}
