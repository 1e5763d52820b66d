package dev.millrace.client;

import java.io.IOException;
import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow.Subscription;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Writes what comes to a file, one piece after the other, and takes its sha256 meanwhile. */
final class FileSubscriber implements BodySubscriber<FileSubscriber.Received> {

  /** What came. */
  record Received(long bytes, String sha256) {}

  private final Path file;
  private final AtomicLong movedNanos;
  private final MessageDigest digest = Digests.sha256();
  private final CompletableFuture<Received> received = new CompletableFuture<>();
  private @Nullable Subscription subscription;
  private @Nullable FileChannel channel;
  private long bytes;

  /**
   * @param file is written anew
   * @param movedNanos is told when something has come
   */
  FileSubscriber(Path file, AtomicLong movedNanos) {
    this.file = file;
    this.movedNanos = movedNanos;
  }

  @Override
  public CompletionStage<Received> getBody() {
    return received;
  }

  @Override
  public void onSubscribe(Subscription given) {
    subscription = given;
    try {
      channel =
          FileChannel.open(
              file,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.WRITE);
      given.request(1);
    } catch (IOException e) {
      given.cancel();
      fail(local(e));
    }
  }

  @Override
  public void onNext(List<ByteBuffer> pieces) {
    FileChannel to = channel;
    Subscription from = subscription;
    if (to == null || from == null) {
      throw new IllegalStateException("Something came before the beginning");
    }
    try {
      for (ByteBuffer piece : pieces) {
        digest.update(piece.duplicate());
        while (piece.hasRemaining()) {
          bytes += to.write(piece);
        }
      }
      movedNanos.set(System.nanoTime());
      from.request(1);
    } catch (IOException e) {
      from.cancel();
      fail(local(e));
    }
  }

  private LocalFileException local(IOException e) {
    return new LocalFileException("Cannot write " + file + ": " + e, e);
  }

  @Override
  public void onError(Throwable why) {
    fail(why);
  }

  private void fail(Throwable why) {
    try {
      close();
    } catch (IOException e) {
      why.addSuppressed(e);
    }
    received.completeExceptionally(why);
  }

  @Override
  public void onComplete() {
    try {
      close();
      received.complete(new Received(bytes, HexFormat.of().formatHex(digest.digest())));
    } catch (IOException e) {
      received.completeExceptionally(local(e));
    }
  }

  private void close() throws IOException {
    FileChannel open = channel;
    if (open != null) {
      open.close();
    }
  }
}
