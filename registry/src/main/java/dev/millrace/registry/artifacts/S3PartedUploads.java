package dev.millrace.registry.artifacts;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URL;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.CompletedPart;

/** Parts are put to addresses that the registry has signed, each for one part of one upload. */
record S3PartedUploads(S3Bucket bucket) implements PartedUploads {

  /** As long as MLflow's own server signs for. */
  private static final Duration VALID = Duration.ofHours(1);

  @Override
  public Begun begin(ArtifactPath path, int parts) throws IOException {
    S3Upload upload = S3Upload.begin(bucket, bucket.key("", path), Map.of());
    List<URL> addresses = new ArrayList<>();
    for (int part = 1; part <= parts; part++) {
      addresses.add(address(upload, part));
    }
    return new Begun(upload.id(), addresses);
  }

  private URL address(S3Upload upload, int part) throws IOException {
    // Signing asks nobody, but for keys that may be gone.
    return bucket.ask(
        s3 ->
            bucket
                .presigner()
                .presignUploadPart(
                    p -> p.signatureDuration(VALID).uploadPartRequest(upload.part(part)))
                .url());
  }

  @Override
  public void complete(ArtifactPath path, String id, List<Part> parts) throws IOException {
    S3Upload upload = upload(path, id);
    List<CompletedPart> taken =
        parts.stream().map(p -> S3Upload.taken(p.number(), p.etag())).toList();
    try {
      var unusedAnswer = known(path, s3 -> s3.completeMultipartUpload(upload.complete(taken)));
    } catch (StoreException e) {
      String code = S3Failures.wrongParts(e);
      if (code == null) {
        throw e;
      }
      throw new IllegalArgumentException(
          "the store answers %s: the parts are not those that were put, or one but the last has less than 5 MiB"
              .formatted(code),
          e);
    }
  }

  @Override
  public void abort(ArtifactPath path, String id) throws IOException {
    S3Upload upload = upload(path, id);
    var unusedAnswer = known(path, s3 -> s3.abortMultipartUpload(upload.abort()));
  }

  private S3Upload upload(ArtifactPath path, String id) {
    return new S3Upload(bucket, bucket.key("", path), id);
  }

  private <T> T known(ArtifactPath path, Function<S3Client, T> request) throws IOException {
    Optional<T> answer = bucket.find(request);
    return answer.orElseThrow(
        () -> new FileNotFoundException("there is no such upload of " + path + "; begin another"));
  }
}
