package dev.millrace.platform;

import dev.millrace.core.definition.Substitution;
import java.io.IOException;
import java.io.Serializable;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How one gets into an S3-compatible store.
 *
 * <p>Every text may hold {@code ${env:X}} and {@code ${file:PATH}}; it is kept as it was written,
 * and the keys are looked up with each request.
 *
 * @param endpoint URL of the store; null for Amazon's
 * @param region null where AWS's own settings say it, or the endpoint does not care
 * @param pathStyle whether the bucket stands in the path, not in the name of the host
 * @param accessKey null for AWS's own chain of places: environment, profile, role
 * @param secretKey null with the access key
 * @param ca PEM file of the authority that signed the endpoint's certificate; null for those that
 *     Java trusts
 */
public record S3Target(
    @Nullable String endpoint,
    @Nullable String region,
    boolean pathStyle,
    @Nullable String accessKey,
    @Nullable String secretKey,
    @Nullable String ca)
    implements Serializable {

  /** Amazon's, with what AWS's own settings say. */
  public static final S3Target AMAZON = new S3Target(null, null, false, null, null, null);

  /**
   * Reads the value of {@code s3} in a target file; null where there is none.
   *
   * @param problems gets a line for each mistake; no line holds a key
   */
  static @Nullable S3Target read(@Nullable Object value, List<String> problems) {
    if (value == null) {
      return null;
    }
    if (!(value instanceof Map<?, ?> given)) {
      problems.add("s3: is no map; write endpoint, region, access_key and secret_key below it");
      return null;
    }
    Map<String, @Nullable String> left = new LinkedHashMap<>();
    given.forEach((k, v) -> left.put(String.valueOf(k), v == null ? null : String.valueOf(v)));
    String endpoint = left.remove("endpoint");
    String style = left.remove("path_style");
    if (style != null && !style.equals("true") && !style.equals("false")) {
      problems.add("s3.path_style: is '" + style + "'; write true or false");
    }
    S3Target target =
        new S3Target(
            endpoint,
            left.remove("region"),
            // Few stores but Amazon's have a host name for each bucket.
            style == null ? endpoint != null : style.equals("true"),
            left.remove("access_key"),
            left.remove("secret_key"),
            left.remove("ca"));
    left.keySet().forEach(k -> problems.add("s3." + k + ": unknown key"));
    if (endpoint != null && !Substitution.applies(endpoint) && !isUrl(endpoint)) {
      problems.add("s3.endpoint: is no address; write http(s)://HOST:PORT");
    }
    if ((target.accessKey == null) != (target.secretKey == null)) {
      problems.add("s3: one of access_key and secret_key is missing; give both or none");
    }
    return target;
  }

  private static boolean isUrl(String text) {
    try {
      URI uri = new URI(text);
      return uri.getHost() != null
          && uri.getUserInfo() == null
          && String.valueOf(uri.getScheme()).matches("https?");
    } catch (URISyntaxException e) {
      return false;
    }
  }

  /** What {@link #read} reads. */
  Object written() {
    Map<String, Object> keys = new LinkedHashMap<>();
    put(keys, "endpoint", endpoint);
    put(keys, "region", region);
    keys.put("path_style", pathStyle);
    put(keys, "access_key", accessKey);
    put(keys, "secret_key", secretKey);
    put(keys, "ca", ca);
    return keys;
  }

  private static void put(Map<String, Object> keys, String key, @Nullable String value) {
    if (value != null) {
      keys.put(key, value);
    }
  }

  /**
   * The same with every reference looked up.
   *
   * @throws IOException naming the variable or the file that is not there, or an endpoint that is
   *     no address
   */
  public S3Target resolved(Map<String, String> environment) throws IOException {
    String url = resolved(endpoint, environment);
    if (url != null && !isUrl(url)) {
      throw new IOException("s3.endpoint is no address; write http(s)://HOST:PORT");
    }
    return new S3Target(
        url,
        resolved(region, environment),
        pathStyle,
        resolved(accessKey, environment),
        resolved(secretKey, environment),
        resolved(ca, environment));
  }

  private static @Nullable String resolved(@Nullable String text, Map<String, String> environment)
      throws IOException {
    return text == null ? null : Substitution.resolved(text, environment);
  }

  /**
   * Whom to trust, of what was {@link #resolved}; null for those that Java trusts.
   *
   * @throws IOException where {@code ca} cannot be read
   */
  public @Nullable KeyStore trusted() throws IOException {
    return ca == null ? null : TrustedCertificates.read(Path.of(ca), "s3.ca");
  }

  /** Where it is alone: a key must be in no log and in no message. */
  @Override
  public String toString() {
    return endpoint == null ? "Amazon S3" : endpoint;
  }
}
