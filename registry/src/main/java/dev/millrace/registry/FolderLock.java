package dev.millrace.registry;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * The folder of the stores, which one process has at a time. The operating system gives it back
 * when the process ends, however that happens.
 */
final class FolderLock implements AutoCloseable {

  private static final String FILE = "lock";
  private static final int PID_BYTES_MAX = 20;

  private final FileChannel channel;

  private FolderLock(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Takes a folder, which is made where it is not there.
   *
   * @throws IOException where another process has it
   */
  static FolderLock of(Path folder) throws IOException {
    Files.createDirectories(folder);
    FileChannel channel =
        FileChannel.open(
            folder.resolve(FILE),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    try {
      if (!isTaken(channel)) {
        throw new IOException(
            "Cannot use the folder %s: another registry (pid %s) keeps its stores there; end it, or give each its own --state"
                .formatted(folder, owner(channel)));
      }
      channel.truncate(0);
      int unusedBytes =
          channel.write(
              ByteBuffer.wrap(
                  Long.toString(ProcessHandle.current().pid())
                      .getBytes(StandardCharsets.US_ASCII)));
    } catch (IOException e) {
      channel.close();
      throw e;
    }
    return new FolderLock(channel);
  }

  private static boolean isTaken(FileChannel channel) throws IOException {
    @Nullable FileLock lock;
    try {
      lock = channel.tryLock();
    } catch (OverlappingFileLockException e) {
      // By this process.
      return false;
    }
    return lock != null;
  }

  private static String owner(FileChannel channel) throws IOException {
    ByteBuffer text = ByteBuffer.allocate(PID_BYTES_MAX);
    int unusedBytes = channel.read(text, 0);
    String pid = new String(text.array(), 0, text.position(), StandardCharsets.US_ASCII);
    return pid.isEmpty() ? "unknown" : pid;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
