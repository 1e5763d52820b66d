package dev.millrace.client;

import java.io.FileNotFoundException;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.Flow.Subscriber;
import java.util.concurrent.Flow.Subscription;
import java.util.concurrent.atomic.AtomicLong;

/** A file as the body of a request, read as it is sent; it tells when something has gone. */
final class FilePublisher implements BodyPublisher {

  private final BodyPublisher file;
  private final AtomicLong movedNanos;

  FilePublisher(Path file, AtomicLong movedNanos) throws FileNotFoundException {
    this.file = BodyPublishers.ofFile(file);
    this.movedNanos = movedNanos;
  }

  @Override
  public long contentLength() {
    return file.contentLength();
  }

  @Override
  public void subscribe(Subscriber<? super ByteBuffer> to) {
    file.subscribe(
        new Subscriber<ByteBuffer>() {
          @Override
          public void onSubscribe(Subscription subscription) {
            to.onSubscribe(subscription);
          }

          @Override
          public void onNext(ByteBuffer piece) {
            movedNanos.set(System.nanoTime());
            to.onNext(piece);
          }

          @Override
          public void onError(Throwable why) {
            to.onError(why);
          }

          @Override
          public void onComplete() {
            to.onComplete();
          }
        });
  }
}
