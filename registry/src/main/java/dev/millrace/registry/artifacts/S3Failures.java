package dev.millrace.registry.artifacts;

import dev.millrace.registry.mlflow.MlflowError;
import java.io.IOException;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.exception.ApiCallAttemptTimeoutException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.model.S3Exception;

/**
 * What an S3 store's refusals mean, for people. What the store says itself is left out where it
 * could hold more than a code.
 */
record S3Failures(String place, String endpoint) {

  private static final int NOT_FOUND = 404;
  private static final int TOO_MANY = 429;
  private static final int SERVER_ERROR = 500;
  private static final int NOT_IMPLEMENTED = 501;
  private static final Set<String> PASSING = Set.of("SlowDown", "RequestTimeout");
  private static final Set<String> OF_KEYS =
      Set.of("InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "InvalidToken", "403");
  private static final Set<String> OF_REGION =
      Set.of("PermanentRedirect", "AuthorizationHeaderMalformed", "301");
  private static final Set<String> OF_PARTS =
      Set.of("InvalidPart", "InvalidPartOrder", "EntityTooSmall");

  /** Whether a request failed because what it names is not there, in a bucket that is. */
  static boolean isMissing(SdkException e) {
    return e instanceof S3Exception s3
        && s3.statusCode() == NOT_FOUND
        && !"NoSuchBucket".equals(code(s3));
  }

  /** Whether parts of an upload are not what was put, with what the store says of them. */
  static @Nullable String wrongParts(StoreException e) {
    return e.getCause() instanceof S3Exception s3 && OF_PARTS.contains(code(s3)) ? code(s3) : null;
  }

  static MlflowError tooLong(ArtifactPath path, int bytes, int max) {
    return MlflowError.invalid(
        "Invalid path: '%s': in this store it has %d bytes, and may have %d"
            .formatted(path, bytes, max));
  }

  StoreException of(SdkException e) {
    if (e instanceof S3Exception s3) {
      return refused(s3);
    }
    if (e instanceof ApiCallAttemptTimeoutException) {
      return new StoreException(unreachable("no answer in time"), true, e);
    }
    for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
      if (cause instanceof IOException) {
        return new StoreException(unreachable(cause.toString()), true, e);
      }
    }
    return new StoreException(
        "Cannot use the artifacts in %s: %s; give s3.access_key and s3.secret_key in the target, or keys where AWS's own tools look for them"
            .formatted(place, e.getMessage()),
        false,
        e);
  }

  private String unreachable(String why) {
    return "Cannot reach the artifacts in %s at %s: %s; start the store, or correct s3.endpoint in the target"
        .formatted(place, endpoint, why);
  }

  private StoreException refused(S3Exception e) {
    String code = code(e);
    boolean passing =
        (e.statusCode() >= SERVER_ERROR && e.statusCode() != NOT_IMPLEMENTED)
            || e.statusCode() == TOO_MANY
            || PASSING.contains(code);
    return new StoreException(
        "Cannot use the artifacts in %s: the store answers %s (%d); %s"
            .formatted(
                place, code, e.statusCode(), passing ? "ask again in a moment" : repair(code)),
        passing,
        e);
  }

  private String repair(String code) {
    if (code.equals("NoSuchBucket")) {
      return "make the bucket, or correct mlflow_artifacts in the target";
    }
    if (OF_KEYS.contains(code)) {
      return "correct s3.access_key and s3.secret_key in the target, and what they may do in the"
          + " bucket";
    }
    if (OF_REGION.contains(code)) {
      return "correct s3.region and s3.endpoint in the target";
    }
    return "its own log says why";
  }

  private static String code(S3Exception e) {
    String code = e.awsErrorDetails() == null ? null : e.awsErrorDetails().errorCode();
    return code == null || code.isEmpty() ? String.format(Locale.ROOT, "%d", e.statusCode()) : code;
  }
}
