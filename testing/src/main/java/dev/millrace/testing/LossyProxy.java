package dev.millrace.testing;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Stands before an HTTP server and passes each request on whole; of some it throws the answer away
 * and closes the connection, so that the client does not know that they took effect. One request a
 * connection, and bodies with a length only.
 */
public final class LossyProxy implements AutoCloseable {

  private final URI server;
  private final ServerSocket socket;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final AtomicInteger losing = new AtomicInteger();
  private final AtomicInteger lost = new AtomicInteger();

  /**
   * @param server whom it passes requests on to
   */
  public LossyProxy(URI server) throws IOException {
    this.server = server;
    this.socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    threads.execute(this::accept);
  }

  /** Where it listens. */
  public URI address() {
    return URI.create("http://127.0.0.1:" + socket.getLocalPort());
  }

  /** Throws away the next answers. */
  public void loseNext(int answers) {
    losing.set(answers);
  }

  /** How many it has thrown away. */
  public int lost() {
    return lost.get();
  }

  private void accept() {
    while (!socket.isClosed()) {
      try {
        Socket client = socket.accept();
        threads.execute(() -> pass(client));
      } catch (SocketException e) {
        // It was closed.
        return;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private void pass(Socket client) {
    try (client;
        Socket behind = new Socket(server.getHost(), server.getPort())) {
      byte[] request = request(client.getInputStream());
      if (request.length == 0) {
        return;
      }
      OutputStream out = behind.getOutputStream();
      out.write(request);
      out.flush();
      byte[] answer = behind.getInputStream().readAllBytes();
      if (losing.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
        lost.incrementAndGet();
        return;
      }
      client.getOutputStream().write(answer);
      client.getOutputStream().flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The next request, told to be the last one of its connection; empty where none comes. */
  private static byte[] request(InputStream in) throws IOException {
    ByteArrayOutputStream request = new ByteArrayOutputStream();
    int length = 0;
    String line = line(in);
    if (line.isEmpty()) {
      return new byte[0];
    }
    while (!line.isEmpty()) {
      String lower = line.toLowerCase(Locale.ROOT);
      if (lower.startsWith("content-length:")) {
        length = Integer.parseInt(line.substring(line.indexOf(':') + 1).strip());
      }
      if (!lower.startsWith("connection:")) {
        request.writeBytes((line + "\r\n").getBytes(StandardCharsets.ISO_8859_1));
      }
      line = line(in);
    }
    request.writeBytes("Connection: close\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1));
    request.writeBytes(in.readNBytes(length));
    return request.toByteArray();
  }

  private static String line(InputStream in) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    int next;
    while ((next = in.read()) >= 0 && next != '\n') {
      if (next != '\r') {
        line.write(next);
      }
    }
    return line.toString(StandardCharsets.ISO_8859_1);
  }

  @Override
  public void close() throws IOException {
    socket.close();
    threads.shutdownNow();
  }
}
