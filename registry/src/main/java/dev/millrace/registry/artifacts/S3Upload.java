package dev.millrace.registry.artifacts;

import java.util.List;
import java.util.Map;
import software.amazon.awssdk.services.s3.model.AbortMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.UploadPartRequest;

/** An upload in parts, known to the store by its id, and the requests that are about it. */
record S3Upload(S3Bucket bucket, String key, String id) {

  static S3Upload begin(S3Bucket bucket, String key, Map<String, String> metadata)
      throws StoreException {
    String id =
        bucket
            .ask(
                s3 ->
                    s3.createMultipartUpload(r -> bucket.at(r::bucket).key(key).metadata(metadata)))
            .uploadId();
    return new S3Upload(bucket, key, id);
  }

  UploadPartRequest part(int number) {
    return bucket
        .at(UploadPartRequest.builder()::bucket)
        .key(key)
        .uploadId(id)
        .partNumber(number)
        .build();
  }

  static CompletedPart taken(int number, String etag) {
    return CompletedPart.builder().partNumber(number).eTag(etag).build();
  }

  CompleteMultipartUploadRequest complete(List<CompletedPart> parts) {
    return bucket
        .at(CompleteMultipartUploadRequest.builder()::bucket)
        .key(key)
        .uploadId(id)
        .multipartUpload(u -> u.parts(parts))
        .build();
  }

  AbortMultipartUploadRequest abort() {
    return bucket.at(AbortMultipartUploadRequest.builder()::bucket).key(key).uploadId(id).build();
  }
}
