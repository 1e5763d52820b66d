package dev.millrace.registry.artifacts;

import dev.millrace.platform.S3Target;
import dev.millrace.registry.mlflow.MlflowError;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;
import software.amazon.awssdk.services.s3.S3Configuration;
import software.amazon.awssdk.services.s3.presigner.S3Presigner;

/** A bucket, of which only what lies below one prefix is touched. */
final class S3Bucket implements AutoCloseable {

  private static final Pattern PLACE =
      Pattern.compile("s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(/.*)?");
  private static final Duration CONNECT_PATIENCE = Duration.ofSeconds(5);
  private static final Duration SILENCE_PATIENCE = Duration.ofSeconds(60);
  // Of one attempt of one request: a part, or what follows an upload of many parts.
  private static final Duration PATIENCE = Duration.ofMinutes(5);
  private static final int KEY_BYTES_MAX = 1_024;
  // Where the store does not care, there has to be one to sign for.
  private static final String ANY_REGION = "us-east-1";

  private final S3Client client;
  private final S3Presigner presigner;
  private final String name;
  private final String prefix;
  private final S3Failures failures;

  private S3Bucket(
      S3Client client, S3Presigner presigner, String name, String prefix, S3Failures failures) {
    this.client = client;
    this.presigner = presigner;
    this.name = name;
    this.prefix = prefix;
    this.failures = failures;
  }

  /**
   * Connects to the bucket, and looks whether it may be read.
   *
   * @param place {@code s3://BUCKET/PREFIX}
   * @throws IOException where it cannot be reached or used
   */
  static S3Bucket open(String place, S3Target target, Map<String, String> environment)
      throws IOException {
    Matcher matcher = PLACE.matcher(place);
    if (!matcher.matches()) {
      throw new IOException(
          "Cannot keep artifacts in " + place + ": write s3://BUCKET/PREFIX in the target");
    }
    String below = matcher.group(2) == null ? "" : matcher.group(2).replaceAll("^/|/$", "");
    if (!below.isEmpty()) {
      for (String part : below.split("/", -1)) {
        if (!ArtifactPath.isName(part)) {
          throw new IOException(
              "Cannot keep artifacts in "
                  + place
                  + ": its prefix has a name that is empty, begins with a dot or has special"
                  + " characters; correct the target");
        }
      }
      below += "/";
    }
    S3Target resolved;
    S3Client client;
    S3Presigner presigner;
    try {
      resolved = target.resolved(environment);
      client = client(resolved, credentials(target, environment));
      presigner = presigner(resolved, client, credentials(target, environment));
    } catch (IOException | SdkClientException e) {
      throw new IOException(
          "Cannot use artifacts in " + place + ": " + e.getMessage() + "; correct s3 in the target",
          e);
    }
    S3Bucket bucket =
        new S3Bucket(
            client, presigner, matcher.group(1), below, new S3Failures(place, resolved.toString()));
    try {
      var unusedListing = bucket.ask(s3 -> s3.listObjectsV2(r -> bucket.at(r::bucket).maxKeys(1)));
      return bucket;
    } catch (IOException e) {
      bucket.close();
      throw e;
    }
  }

  private static AwsCredentialsProvider credentials(
      S3Target target, Map<String, String> environment) {
    if (target.accessKey() == null) {
      return DefaultCredentialsProvider.builder().build();
    }
    return () -> keys(target, environment);
  }

  private static AwsCredentials keys(S3Target target, Map<String, String> environment) {
    try {
      S3Target resolved = target.resolved(environment);
      return AwsBasicCredentials.create(
          String.valueOf(resolved.accessKey()), String.valueOf(resolved.secretKey()));
    } catch (IOException e) {
      throw SdkClientException.create(String.valueOf(e.getMessage()));
    }
  }

  private static S3Client client(S3Target target, AwsCredentialsProvider credentials)
      throws IOException {
    UrlConnectionHttpClient.Builder http =
        UrlConnectionHttpClient.builder()
            .connectionTimeout(CONNECT_PATIENCE)
            .socketTimeout(SILENCE_PATIENCE);
    TrustManager[] trusted = trusted(target.trusted());
    if (trusted != null) {
      http.tlsTrustManagersProvider(() -> trusted);
    }
    S3ClientBuilder client =
        S3Client.builder()
            .httpClientBuilder(http)
            .credentialsProvider(credentials)
            .forcePathStyle(target.pathStyle())
            .serviceConfiguration(
                // What every store knows, not Amazon's alone.
                S3Configuration.builder()
                    .chunkedEncodingEnabled(false)
                    .expectContinueEnabled(false)
                    .build())
            .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
            .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
            .overrideConfiguration(o -> o.apiCallAttemptTimeout(PATIENCE));
    Region region = region(target);
    if (region != null) {
      client.region(region);
    }
    if (target.endpoint() != null) {
      client.endpointOverride(URI.create(target.endpoint()));
    }
    return client.build();
  }

  private static @Nullable Region region(S3Target target) {
    if (target.region() != null) {
      return Region.of(target.region());
    }
    return target.endpoint() == null ? null : Region.of(ANY_REGION);
  }

  private static S3Presigner presigner(
      S3Target target, S3Client client, AwsCredentialsProvider credentials) {
    S3Presigner.Builder presigner =
        S3Presigner.builder()
            .s3Client(client)
            .credentialsProvider(credentials)
            .serviceConfiguration(
                S3Configuration.builder().pathStyleAccessEnabled(target.pathStyle()).build());
    Region region = region(target);
    if (region != null) {
      presigner.region(region);
    }
    if (target.endpoint() != null) {
      presigner.endpointOverride(URI.create(target.endpoint()));
    }
    return presigner.build();
  }

  private static TrustManager @Nullable [] trusted(@Nullable KeyStore authorities)
      throws IOException {
    if (authorities == null) {
      return null;
    }
    try {
      TrustManagerFactory trust =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(authorities);
      return trust.getTrustManagers();
    } catch (GeneralSecurityException e) {
      throw new IOException("cannot trust s3.ca: " + e.getMessage(), e);
    }
  }

  /** Names the bucket in a request. */
  <B> B at(Function<String, B> request) {
    return request.apply(name);
  }

  /**
   * Where a file lies.
   *
   * @param hidden a folder beside all files, which no path leads to; empty for the file itself
   * @throws MlflowError where its name is longer than a store takes
   */
  String key(String hidden, ArtifactPath path) {
    String key = prefix + hidden + path;
    int bytes = key.getBytes(StandardCharsets.UTF_8).length;
    if (bytes > KEY_BYTES_MAX) {
      throw S3Failures.tooLong(path, bytes, KEY_BYTES_MAX);
    }
    return key;
  }

  /** The prefix itself. */
  String root() {
    return prefix;
  }

  S3Presigner presigner() {
    return presigner;
  }

  /**
   * Asks the store.
   *
   * @throws StoreException saying what to do, where it does not answer or refuses
   */
  <T> T ask(Function<S3Client, T> request) throws StoreException {
    try {
      return request.apply(client);
    } catch (SdkException e) {
      throw failures.of(e);
    }
  }

  /** The same of what may not be there. */
  <T> Optional<T> find(Function<S3Client, T> request) throws StoreException {
    try {
      return Optional.of(request.apply(client));
    } catch (SdkException e) {
      if (S3Failures.isMissing(e)) {
        return Optional.empty();
      }
      throw failures.of(e);
    }
  }

  @Override
  public String toString() {
    return failures.place();
  }

  @Override
  public void close() {
    presigner.close();
    client.close();
  }
}
