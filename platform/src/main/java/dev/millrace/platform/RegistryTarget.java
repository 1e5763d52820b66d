package dev.millrace.platform;

import dev.millrace.core.definition.Substitution;
import java.io.IOException;
import java.io.Serializable;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/**
 * Where the registry answers over HTTP, and how it lets one in.
 *
 * <p>Every text may hold {@code ${env:X}} and {@code ${file:PATH}}; it is kept as it was written
 * and looked up with each request.
 *
 * @param url without a slash at its end
 * @param token null where none is asked for
 * @param ca PEM file of the authority that signed the server's certificate; null for those that
 *     Java trusts
 */
public record RegistryTarget(String url, @Nullable String token, @Nullable String ca)
    implements Serializable {

  /** A registry that asks for nothing. */
  public static RegistryTarget of(String url) {
    return new RegistryTarget(url, null, null);
  }

  /**
   * Reads the value of {@code registry} in a target file; null where there is none.
   *
   * @param problems gets a line for each mistake; no line holds a value of {@code token}
   */
  static @Nullable RegistryTarget read(@Nullable Object value, List<String> problems) {
    if (!(value instanceof Map<?, ?> given)) {
      String url = value == null ? "" : String.valueOf(value);
      if (url.isEmpty()) {
        return null;
      }
      checkUrl(url, "registry", problems);
      return of(bare(url));
    }
    Map<String, @Nullable String> left = new LinkedHashMap<>();
    given.forEach((k, v) -> left.put(String.valueOf(k), v == null ? null : String.valueOf(v)));
    String url = left.remove("url");
    RegistryTarget target =
        new RegistryTarget(url == null ? "" : bare(url), left.remove("token"), left.remove("ca"));
    left.keySet().forEach(k -> problems.add("registry." + k + ": unknown key"));
    if (target.url.isEmpty()) {
      problems.add("registry.url: required, not set");
    } else {
      checkUrl(target.url, "registry.url", problems);
    }
    if (target.ca != null && target.url.startsWith("http:")) {
      problems.add("registry.ca: is of use with https alone; correct registry.url or remove it");
    }
    return target;
  }

  private static String bare(String url) {
    return url.endsWith("/") ? url.substring(0, url.length() - 1) : url;
  }

  private static void checkUrl(String url, String path, List<String> problems) {
    try {
      URI uri = new URI(url);
      if (uri.getHost() != null && uri.getScheme().matches("https?")) {
        return;
      }
    } catch (URISyntaxException e) {
      // Said below.
    }
    problems.add(path + ": '" + url + "' is no address; write http(s)://HOST:PORT");
  }

  /** What {@link #read} reads: the address alone where there is nothing else to say. */
  Object written() {
    if (token == null && ca == null) {
      return url;
    }
    Map<String, Object> keys = new LinkedHashMap<>();
    keys.put("url", url);
    if (token != null) {
      keys.put("token", token);
    }
    if (ca != null) {
      keys.put("ca", ca);
    }
    return keys;
  }

  /**
   * Asks for what is at a path.
   *
   * @throws IOException where nobody answers, or a secret or certificate is not there
   */
  public HttpResponse<String> get(String path, Duration patience)
      throws IOException, InterruptedException {
    return get(path, patience, System.getenv());
  }

  HttpResponse<String> get(String path, Duration patience, Map<String, String> environment)
      throws IOException, InterruptedException {
    return get(path, patience, environment, HttpResponse.BodyHandlers.ofString());
  }

  /**
   * The same of what may be large: the answer's body, whatever its status, is in a file.
   *
   * @param file is made, or gets other content
   */
  public HttpResponse<Path> get(String path, Duration patience, Path file)
      throws IOException, InterruptedException {
    return get(path, patience, System.getenv(), HttpResponse.BodyHandlers.ofFile(file));
  }

  private <T> HttpResponse<T> get(
      String path,
      Duration patience,
      Map<String, String> environment,
      HttpResponse.BodyHandler<T> body)
      throws IOException, InterruptedException {
    HttpClient.Builder client = HttpClient.newBuilder().connectTimeout(patience);
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + path)).timeout(patience);
    try {
      if (token != null) {
        request.header("Authorization", "Bearer " + Substitution.resolved(token, environment));
      }
      if (ca != null) {
        client.sslContext(trusting(Path.of(Substitution.resolved(ca, environment))));
      }
    } catch (IllegalArgumentException e) {
      // Of a token with a line break: the message would show it.
      throw new IOException(
          "Cannot ask the registry at "
              + url
              + ": registry.token has characters that no header may have; correct it");
    } catch (IOException e) {
      throw new IOException("Cannot ask the registry at " + url + ": " + e.getMessage(), e);
    }
    return client.build().send(request.build(), body);
  }

  private static SSLContext trusting(Path ca) throws IOException {
    try {
      TrustManagerFactory trust =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(TrustedCertificates.read(ca, "registry.ca"));
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, trust.getTrustManagers(), null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IOException("cannot trust registry.ca " + ca + ": " + e.getMessage(), e);
    }
  }

  /** The address alone: a token must be in no log and in no message. */
  @Override
  public String toString() {
    return url;
  }
}
