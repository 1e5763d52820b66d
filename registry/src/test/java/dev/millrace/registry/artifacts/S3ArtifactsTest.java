package dev.millrace.registry.artifacts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.platform.S3Target;
import dev.millrace.platform.Target;
import dev.millrace.registry.artifacts.ArtifactStore.Entry;
import dev.millrace.registry.artifacts.ArtifactStore.Opened;
import dev.millrace.registry.artifacts.ArtifactStore.OtherBytesException;
import dev.millrace.registry.artifacts.ArtifactStore.TooLargeException;
import dev.millrace.registry.mlflow.MlflowError;
import java.io.ByteArrayInputStream;
import java.io.FileNotFoundException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/** What a folder promises, promised by a store of others. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class S3ArtifactsTest {

  private static final long MAX = 1L << 40;
  private static final int LARGE = 17_000_000;

  private final Path dir;
  private final S3Server server;
  private final S3Client own;
  private final String prefix = "all/of-us";

  @SuppressWarnings("NullAway.Init") // Before each test.
  private S3Artifacts store;

  S3ArtifactsTest(@TempDir Path dir) throws Exception {
    this.dir = dir;
    this.server = new S3Server(dir.resolve("s3"));
    this.own =
        S3Client.builder()
            .endpointOverride(server.address())
            .region(Region.US_EAST_1)
            .forcePathStyle(true)
            .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
            .serviceConfiguration(c -> c.chunkedEncodingEnabled(false))
            .credentialsProvider(
                StaticCredentialsProvider.create(
                    AwsBasicCredentials.create(S3Server.ACCESS_KEY, S3Server.SECRET_KEY)))
            .build();
  }

  @BeforeEach
  void connect() throws IOException {
    store = open("s3://models/" + prefix, server.target());
  }

  @AfterEach
  void disconnect() throws IOException {
    for (Entry entry : store.list(new ArtifactPath(List.of()))) {
      store.delete(ArtifactPath.of(entry.name()));
    }
    store.close();
    try (Stream<Path> parts = Files.list(dir.resolve("spool"))) {
      assertThat(parts).as("parts that are under way").isEmpty();
    }
    assertThat(own.listMultipartUploads(r -> r.bucket(S3Server.BUCKET)).uploads()).isEmpty();
    assertThat(objects()).isEmpty();
  }

  @AfterAll
  void close() throws IOException {
    own.close();
    server.close();
  }

  private S3Artifacts open(String place, S3Target target) throws IOException {
    return S3Artifacts.open(place, target, Map.of(), dir.resolve("spool"));
  }

  private List<String> objects() {
    return own.listObjectsV2(r -> r.bucket(S3Server.BUCKET)).contents().stream()
        .map(o -> o.key())
        .toList();
  }

  private static byte[] random(int bytes, int seed) {
    byte[] random = new byte[bytes];
    new Random(seed).nextBytes(random);
    return random;
  }

  private static String sha256(byte[] bytes) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
  }

  private String put(String path, byte[] bytes, @Nullable String promised) throws IOException {
    return store.put(ArtifactPath.of(path), new ByteArrayInputStream(bytes), MAX, promised);
  }

  private void assertThere(String path, byte[] bytes) throws Exception {
    Opened opened = store.open(ArtifactPath.of(path));
    assertThat(opened.bytes()).isEqualTo(bytes.length);
    assertThat(opened.sha256()).contains(sha256(bytes));
    try (InputStream in = opened.in()) {
      assertThat(in.readAllBytes()).isEqualTo(bytes);
    }
  }

  private void assertAbsent(String path) {
    assertThatThrownBy(() -> store.open(ArtifactPath.of(path)))
        .isInstanceOf(FileNotFoundException.class)
        .hasMessageContaining(path);
  }

  @Test
  void whatIsPutIsThere() throws Exception {
    byte[] small = random(1_000, 1);
    byte[] large = random(LARGE, 2);
    // To the byte a part, and two.
    byte[] part = random(8 * 1024 * 1024, 3);
    byte[] parts = random(16 * 1024 * 1024, 4);
    for (String promised : new String[] {null, sha256(large)}) {
      assertThat(put("a/large", large, promised)).isEqualTo(sha256(large));
      assertThere("a/large", large);
    }
    assertThat(put("a/small", small, sha256(small).toUpperCase(Locale.ROOT)))
        .isEqualTo(sha256(small));
    assertThat(put("a/b/part", part, null)).isEqualTo(sha256(part));
    assertThat(put("a/b/parts", parts, null)).isEqualTo(sha256(parts));
    assertThat(put("a/b/empty", new byte[0], null)).isEqualTo(sha256(new byte[0]));
    assertThere("a/small", small);
    assertThere("a/b/part", part);
    assertThere("a/b/parts", parts);
    assertThere("a/b/empty", new byte[0]);
    assertThat(store.list(ArtifactPath.of("a")))
        .containsExactly(
            new Entry("b", true, 0),
            new Entry("large", false, LARGE),
            new Entry("small", false, 1_000));
    assertThat(store.list(new ArtifactPath(List.of()))).containsExactly(new Entry("a", true, 0));
    assertThat(store.list(ArtifactPath.of("a/small"))).isEmpty();
    assertThat(store.list(ArtifactPath.of("elsewhere"))).isEmpty();
    assertAbsent("a/b");
    store.delete(ArtifactPath.of("a/small"));
    assertAbsent("a/small");
    assertThere("a/b/part", part);
    store.delete(ArtifactPath.of("a"));
    store.delete(ArtifactPath.of("a"));
    assertThat(objects()).isEmpty();
  }

  /** The sha256 of what was there before is not that of what is there now. */
  @Test
  void whatReplacesAFileIsThereWithItsOwnSha256() throws Exception {
    put("f", random(LARGE, 1), null);
    byte[] other = random(LARGE, 2);
    put("f", other, null);
    assertThere("f", other);
    own.putObject(
        r -> r.bucket(S3Server.BUCKET).key(prefix + "/f"), RequestBody.fromString("by others"));
    assertThat(store.open(ArtifactPath.of("f")).sha256()).isEmpty();
    byte[] small = random(10, 3);
    put("f", small, null);
    assertThere("f", small);
  }

  @Test
  void otherBytesThanPromisedAreNotTaken() throws Exception {
    byte[] first = random(100, 1);
    put("f", first, null);
    for (int bytes : new int[] {10, LARGE}) {
      assertThatThrownBy(() -> put("f", random(bytes, 2), "0".repeat(64)))
          .isInstanceOf(OtherBytesException.class);
      assertThatThrownBy(() -> put("g", random(bytes, 2), "0".repeat(64)))
          .isInstanceOf(OtherBytesException.class);
    }
    assertThere("f", first);
    assertAbsent("g");
  }

  @Test
  void moreBytesThanAreTakenLeaveNothing() {
    for (int bytes : new int[] {10, LARGE}) {
      assertThatThrownBy(
              () ->
                  store.put(
                      ArtifactPath.of("f"),
                      new ByteArrayInputStream(random(bytes, 1)),
                      bytes - 1,
                      null))
          .isInstanceOf(TooLargeException.class);
    }
    assertAbsent("f");
  }

  @Test
  void anUploadThatBreaksOffLeavesNothing() {
    for (int bytes : new int[] {10, LARGE}) {
      InputStream breaking =
          new SequenceInputStream(
              new ByteArrayInputStream(new byte[bytes]),
              new FilterInputStream(InputStream.nullInputStream()) {
                @Override
                public int read(byte[] into, int from, int length) throws IOException {
                  throw new IOException("the client is gone");
                }
              });
      assertThatThrownBy(() -> store.put(ArtifactPath.of("f"), breaking, MAX, null))
          .hasMessage("the client is gone");
    }
    assertAbsent("f");
  }

  @Test
  void moreFilesThanAPageHas() throws Exception {
    // Past the server, as so many uploads take long; it wants their MD5 beside them.
    byte[] bytes = {1, 2};
    byte[] md5 = MessageDigest.getInstance("MD5").digest(bytes);
    Path folder = Files.createDirectories(server.objects().resolve(prefix).resolve("many"));
    for (int i = 0; i < 1_003; i++) {
      Path file = Files.write(folder.resolve("f" + i), bytes);
      Files.setAttribute(file, "user:user.content-md5", ByteBuffer.wrap(md5));
    }
    put("many/below/f", new byte[1], null);
    List<Entry> listed = store.list(ArtifactPath.of("many"));
    assertThat(listed)
        .hasSize(1_004)
        .contains(
            new Entry("f0", false, 2), new Entry("f1002", false, 2), new Entry("below", true, 0))
        .isSortedAccordingTo(Comparator.comparing(Entry::name));
    for (int i = 0; i < 1_003; i++) {
      Files.delete(folder.resolve("f" + i));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"ä/日本 語/🙂.onnx", "a+b & #c?=;@!$'()*,[]{}|^`~\"<>", "İı/ß", " a /  b"})
  void namesAreTakenAsTheyAre(String path) throws Exception {
    byte[] bytes = random(10, 1);
    put(path, bytes, null);
    assertThere(path, bytes);
    ArtifactPath read = ArtifactPath.of(path);
    List<String> names = read.names();
    ArtifactPath folder = new ArtifactPath(names.subList(0, names.size() - 1));
    assertThat(store.list(folder))
        .containsExactly(new Entry(names.get(names.size() - 1), false, 10));
  }

  /** Nothing but what lies below the prefix is seen or touched. */
  @Test
  void thePrefixIsTheWorld() throws Exception {
    for (String key : List.of("all/secret", "all/of-us-too/f", "all/of-us/.sha256/x")) {
      own.putObject(
          r -> r.bucket(S3Server.BUCKET).key(key), RequestBody.fromString("nobody's business"));
    }
    assertThat(store.list(new ArtifactPath(List.of()))).isEmpty();
    // None of these is made of a request; the store does not lean on that alone.
    for (String path : List.of("../secret", "..", ".sha256/x")) {
      assertThatThrownBy(() -> ArtifactPath.of(path)).isInstanceOf(MlflowError.class);
    }
    assertThatThrownBy(() -> store.delete(new ArtifactPath(List.of())))
        .hasMessageContaining("is not deleted");
    String deep =
        Stream.generate(() -> "ä".repeat(200)).limit(4).reduce("a", (a, b) -> a + "/" + b);
    assertThatThrownBy(() -> put(deep, new byte[1], null))
        .isInstanceOf(MlflowError.class)
        .hasMessageContaining("and may have 1024");
    assertThat(objects()).hasSize(3);
    for (String key : objects()) {
      own.deleteObject(r -> r.bucket(S3Server.BUCKET).key(key));
    }
  }

  private void assertCannotOpen(String place, S3Target target, String... why) {
    assertThatThrownBy(() -> open(place, target))
        .isInstanceOf(IOException.class)
        .hasMessageContainingAll(why)
        .hasMessageNotContaining("hidden");
  }

  private S3Target with(String endpoint, String access, String secret) {
    return new S3Target(endpoint, null, true, access, secret, null);
  }

  @Test
  void whatIsWrongIsToldWhenItIsOpened() throws Exception {
    String endpoint = server.address().toString();
    S3Target right = server.target();
    assertCannotOpen("s3://nowhere/x", right, "s3://nowhere/x", "NoSuchBucket", "make the bucket");
    assertCannotOpen(
        "s3://models",
        with(endpoint, S3Server.ACCESS_KEY, "hidden-and-wrong"),
        "SignatureDoesNotMatch (403)",
        "correct s3.access_key and s3.secret_key");
    assertCannotOpen(
        "s3://models",
        with(endpoint, "somebody", "hidden-and-wrong"),
        "InvalidAccessKeyId (403)",
        "correct s3.access_key");
    assertCannotOpen(
        "s3://models", with(endpoint, "x", "${env:GONE}"), "GONE", "correct s3 in the target");
    assertCannotOpen("s3://models/../x", right, "its prefix has a name");
    assertCannotOpen("s3://M", right, "write s3://BUCKET/PREFIX");
    S3Server gone = new S3Server(dir.resolve("gone"));
    S3Target there = gone.target();
    gone.close();
    assertCannotOpen("s3://models", there, "Cannot reach", there.toString(), "start the store");
  }

  @Test
  void aSecretThatChangesIsLookedUpAgain() throws Exception {
    Path file = Files.writeString(dir.resolve("key"), S3Server.SECRET_KEY);
    S3Target target =
        with(server.address().toString(), S3Server.ACCESS_KEY, "${file:" + file + "}");
    try (S3Artifacts changing = open("s3://models", target)) {
      Files.writeString(file, "hidden-and-wrong");
      assertThatThrownBy(() -> changing.list(new ArtifactPath(List.of())))
          .isInstanceOfSatisfying(StoreException.class, e -> assertThat(e.passing()).isFalse())
          .hasMessageContaining("SignatureDoesNotMatch")
          .hasMessageNotContaining("hidden");
      Files.writeString(file, S3Server.SECRET_KEY);
      assertThat(changing.list(new ArtifactPath(List.of()))).isEmpty();
    }
  }

  @Test
  void aStoreThatIsGoneMayComeBack() throws Exception {
    S3Server leaving = new S3Server(dir.resolve("leaving"));
    try (S3Artifacts artifacts = open("s3://models", leaving.target())) {
      leaving.stop();
      assertThatThrownBy(() -> artifacts.open(ArtifactPath.of("f")))
          .isInstanceOfSatisfying(StoreException.class, e -> assertThat(e.passing()).isTrue())
          .hasMessageContaining("start the store");
      assertThatThrownBy(
              () ->
                  artifacts.put(
                      ArtifactPath.of("f"), new ByteArrayInputStream(new byte[1]), MAX, null))
          .isInstanceOf(StoreException.class);
    } finally {
      leaving.close();
    }
  }

  /** An upload of any length lies on the disk part by part, and in memory not at all. */
  @Test
  void anUploadTakesAPartOfItsLength() throws Exception {
    long bytes = 64L * 1024 * 1024;
    long[] most = new long[1];
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    InputStream endless =
        new InputStream() {
          private final Random random = new Random(5);
          private long left = bytes;

          @Override
          public int read() {
            throw new UnsupportedOperationException("nobody asks for single bytes");
          }

          @Override
          public int read(byte[] into, int from, int length) throws IOException {
            if (left == 0) {
              return -1;
            }
            assertThat(length).isLessThanOrEqualTo(64 * 1024);
            try (Stream<Path> parts = Files.list(dir.resolve("spool"))) {
              most[0] = Math.max(most[0], parts.mapToLong(p -> p.toFile().length()).sum());
            }
            byte[] some = new byte[(int) Math.min(length, left)];
            random.nextBytes(some);
            digest.update(some);
            System.arraycopy(some, 0, into, from, some.length);
            left -= some.length;
            return some.length;
          }
        };
    String sha256 = store.put(ArtifactPath.of("f"), endless, MAX, null);
    assertThat(sha256).isEqualTo(HexFormat.of().formatHex(digest.digest()));
    assertThat(most[0]).isLessThanOrEqualTo(8L * 1024 * 1024);
    Opened opened = store.open(ArtifactPath.of("f"));
    assertThat(opened.bytes()).isEqualTo(bytes);
    assertThat(opened.sha256()).contains(sha256);
    // Who has seen enough need not read on.
    try (InputStream in = opened.in()) {
      assertThat(in.readNBytes(10)).hasSize(10);
    }
  }

  @Test
  void theTargetSaysWhichStoreItIs() throws Exception {
    Path spool = dir.resolve("spool");
    S3Target s3 = server.target();
    try (ArtifactStore opened =
        ArtifactStores.open(target("file:///a", "s3://models/x", s3), Map.of(), spool)) {
      assertThat(opened).hasToString("s3://models/x");
    }
    URI folder = dir.resolve("files").toUri();
    try (ArtifactStore opened =
        ArtifactStores.open(target(folder.toString(), null, null), Map.of(), spool)) {
      assertThat(opened).hasToString(dir.resolve("files/mlflow").toString());
      assertThat(opened.parted()).isEqualTo(Optional.empty());
    }
    assertThatThrownBy(() -> ArtifactStores.open(target("hdfs://h/a", null, null), Map.of(), spool))
        .hasMessageContainingAll("hdfs://h/a/mlflow", "s3://BUCKET/PREFIX");
  }

  private static Target target(
      String artifacts, @Nullable String mlflowArtifacts, @Nullable S3Target s3) {
    Target plain = new Target("k:1", "http://s", "r:1", "http://f", null, "w", "c", artifacts);
    return new Target(
        plain.kafka(),
        plain.schemaRegistry(),
        plain.redis(),
        plain.flink(),
        null,
        plain.warehouse(),
        plain.catalog(),
        artifacts,
        mlflowArtifacts,
        s3);
  }
}
