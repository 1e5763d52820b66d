package dev.millrace.registry.artifacts;

import dev.millrace.platform.S3Target;
import java.io.FileNotFoundException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Response;

/**
 * Artifacts in an S3-compatible store. A file of one part is put with its sha256; of a larger one
 * the parts are sent as they come, and make a file when all of them were taken.
 *
 * <p>The sha256 of a file is metadata of its object. That is written before the first part, so
 * where nobody promised it, the object gets the number of a note, and the sha256 is noted in an
 * object of its own under that number: a note of other bytes says nothing.
 */
public final class S3Artifacts implements ArtifactStore {

  private static final Logger LOG = LoggerFactory.getLogger(S3Artifacts.class);

  /** A store takes 10,000 parts of 5 MiB or more: this is enough for 78 GiB. */
  private static final long PART_BYTES = 8L * 1024 * 1024;

  /** Begins with a dot, which no path of an artifact does. */
  private static final String DIGESTS = ".sha256/";

  /** Metadata of an object: its sha256, or the number of the note that has it. */
  private static final String SHA256 = "sha256";

  private static final String NOTE = "sha256-note";
  private static final Pattern HEX = Pattern.compile("[0-9a-f]{64}");
  private static final int NOTE_BYTES_MAX = 1_024;

  private final S3Bucket bucket;
  private final Path spools;

  private S3Artifacts(S3Bucket bucket, Path spools) {
    this.bucket = bucket;
    this.spools = spools;
  }

  /**
   * Connects to the store.
   *
   * @param place {@code s3://BUCKET/PREFIX}
   * @param spools a folder of this process alone, for the parts that are under way
   * @throws IOException where it cannot be reached or used
   */
  public static S3Artifacts open(
      String place, S3Target target, Map<String, String> environment, Path spools)
      throws IOException {
    Files.createDirectories(spools);
    try (Stream<Path> left = Files.list(spools)) {
      // Of a process that was killed.
      for (Path part : left.filter(Files::isRegularFile).toList()) {
        Files.delete(part);
      }
    }
    return new S3Artifacts(S3Bucket.open(place, target, environment), spools);
  }

  @Override
  public String put(ArtifactPath path, InputStream bytes, long maxBytes, @Nullable String promised)
      throws IOException {
    String key = bucket.key("", path);
    try (Spool spool = new Spool(spools, bytes, PART_BYTES, maxBytes)) {
      if (spool.next() == PART_BYTES) {
        return putInParts(path, key, spool, promised);
      }
      String sha256 = Sha256.end(spool.digest(), promised);
      var unusedAnswer =
          bucket.ask(
              s3 ->
                  s3.putObject(
                      r -> bucket.at(r::bucket).key(key).metadata(Map.of(SHA256, sha256)),
                      RequestBody.fromFile(spool.file())));
      return sha256;
    }
  }

  private String putInParts(ArtifactPath path, String key, Spool spool, @Nullable String promised)
      throws IOException {
    String number = UUID.randomUUID().toString();
    Map<String, String> metadata =
        promised == null ? Map.of(NOTE, number) : Map.of(SHA256, promised.toLowerCase(Locale.ROOT));
    S3Upload upload = S3Upload.begin(bucket, key, metadata);
    boolean complete = false;
    try {
      List<CompletedPart> parts = new ArrayList<>();
      do {
        parts.add(send(upload, parts.size() + 1, spool.file()));
      } while (spool.next() > 0);
      String sha256 = Sha256.end(spool.digest(), promised);
      var unusedAnswer = bucket.ask(s3 -> s3.completeMultipartUpload(upload.complete(parts)));
      complete = true;
      if (promised == null) {
        note(path, sha256, number);
      }
      return sha256;
    } finally {
      if (!complete) {
        giveUp(upload);
      }
    }
  }

  private CompletedPart send(S3Upload upload, int number, Path part) throws IOException {
    String etag =
        bucket.ask(s3 -> s3.uploadPart(upload.part(number), RequestBody.fromFile(part))).eTag();
    return S3Upload.taken(number, etag);
  }

  /** What failed before is told; this would hide it. */
  private void giveUp(S3Upload upload) {
    try {
      var unusedAnswer = bucket.ask(s3 -> s3.abortMultipartUpload(upload.abort()));
    } catch (StoreException e) {
      LOG.warn(
          "Cannot remove the parts of an upload of {} that failed: {}; the bucket's rule for"
              + " incomplete uploads will, where it has one",
          upload.key(),
          e.getMessage());
    }
  }

  private void note(ArtifactPath path, String sha256, String number) throws IOException {
    String key = bucket.key(DIGESTS, path);
    var unusedAnswer =
        bucket.ask(
            s3 ->
                s3.putObject(
                    r -> bucket.at(r::bucket).key(key),
                    RequestBody.fromString(sha256 + " " + number, StandardCharsets.UTF_8)));
  }

  @Override
  public Opened open(ArtifactPath path) throws IOException {
    String key = bucket.key("", path);
    ResponseInputStream<GetObjectResponse> in =
        bucket
            .find(s3 -> s3.getObject(r -> bucket.at(r::bucket).key(key)))
            .orElseThrow(() -> new FileNotFoundException("there is no artifact " + path));
    boolean known = false;
    try {
      GetObjectResponse object = in.response();
      long bytes = object.contentLength();
      Optional<String> sha256 = sha256(path, object);
      known = true;
      return new Opened(new Reading(in, bytes), bytes, sha256);
    } finally {
      if (!known) {
        in.abort();
      }
    }
  }

  private Optional<String> sha256(ArtifactPath path, GetObjectResponse object) throws IOException {
    String said = object.metadata().get(SHA256);
    if (said != null) {
      return Optional.of(said).filter(hex -> HEX.matcher(hex).matches());
    }
    String number = object.metadata().get(NOTE);
    if (number == null) {
      return Optional.empty();
    }
    String key = bucket.key(DIGESTS, path);
    String note =
        bucket
            .find(
                s3 ->
                    s3.getObjectAsBytes(
                        r ->
                            bucket.at(r::bucket).key(key).range("bytes=0-" + (NOTE_BYTES_MAX - 1))))
            .map(bytes -> bytes.asUtf8String())
            .orElse("");
    String[] words = note.split(" ", 2);
    return words.length == 2 && HEX.matcher(words[0]).matches() && words[1].equals(number)
        ? Optional.of(words[0])
        : Optional.empty();
  }

  /** Who stops reading early does not wait for the rest. */
  private static final class Reading extends FilterInputStream {
    private final ResponseInputStream<GetObjectResponse> object;
    private long left;

    Reading(ResponseInputStream<GetObjectResponse> object, long bytes) {
      super(object);
      this.object = object;
      this.left = bytes;
    }

    @Override
    public int read() throws IOException {
      int read = super.read();
      left -= read < 0 ? 0 : 1;
      return read;
    }

    @Override
    public int read(byte[] into, int from, int length) throws IOException {
      int read = super.read(into, from, length);
      left -= Math.max(read, 0);
      return read;
    }

    @Override
    public void close() throws IOException {
      if (left > 0) {
        object.abort();
      }
      super.close();
    }
  }

  @Override
  public List<Entry> list(ArtifactPath path) throws IOException {
    String folder = path.names().isEmpty() ? bucket.root() : bucket.key("", path) + "/";
    List<Entry> entries =
        bucket.ask(
            s3 -> {
              List<Entry> found = new ArrayList<>();
              for (ListObjectsV2Response page :
                  s3.listObjectsV2Paginator(
                      r -> bucket.at(r::bucket).prefix(folder).delimiter("/"))) {
                page.commonPrefixes()
                    .forEach(
                        p ->
                            found.add(
                                new Entry(
                                    p.prefix().substring(folder.length(), p.prefix().length() - 1),
                                    true,
                                    0)));
                page.contents()
                    .forEach(
                        o ->
                            found.add(
                                new Entry(o.key().substring(folder.length()), false, o.size())));
              }
              return found;
            });
    // Others may have put there what no path of ours leads to.
    return entries.stream()
        .filter(entry -> ArtifactPath.isName(entry.name()))
        .sorted(Comparator.comparing(Entry::name))
        .toList();
  }

  @Override
  public void delete(ArtifactPath path) throws IOException {
    if (path.names().isEmpty()) {
      throw new IOException("the root of all artifacts is not deleted");
    }
    for (String key : List.of(bucket.key("", path), bucket.key(DIGESTS, path))) {
      // One by one: the request for many at once needs headers that not every store knows.
      var unusedAnswer =
          bucket.ask(
              s3 -> {
                s3.listObjectsV2Paginator(r -> bucket.at(r::bucket).prefix(key + "/"))
                    .contents()
                    .forEach(o -> delete(s3, o.key()));
                // Last: where files are behind the store, a folder that is not empty is not
                // deleted.
                return delete(s3, key);
              });
    }
  }

  private boolean delete(S3Client s3, String key) {
    var unusedAnswer = s3.deleteObject(r -> bucket.at(r::bucket).key(key));
    return true;
  }

  @Override
  public Optional<PartedUploads> parted() {
    return Optional.of(new S3PartedUploads(bucket));
  }

  @Override
  public String toString() {
    return bucket.toString();
  }

  @Override
  public void close() {
    bucket.close();
  }
}
