package dev.millrace.streaming;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.core.definition.Entity;
import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.Feature.Function;
import dev.millrace.core.definition.Feature.ValueType;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Source;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.core.row.Positions;
import dev.millrace.platform.RedisTarget;
import dev.millrace.streaming.FeastKeys.KeyType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import redis.clients.jedis.Jedis;

/**
 * Feast's online store, byte by byte: what its own {@code serialize_entity_key} (version 3), {@code
 * mmh3} and protobuf messages gave for these values.
 */
class FeastLayoutTest {

  private static final Duration HOUR = Duration.ofHours(1);

  @Test
  void keysAreThoseOfFeast() {
    assertThat(key("demo", List.of("driver_id"), List.of(KeyType.INT64), "1001"))
        .isEqualTo(
            "0100000002000000090000006472697665725f6964"
                + "0400000008000000e90300000000000064656d6f");
    assertThat(key("demo", List.of("user_id"), List.of(KeyType.STRING), "alice"))
        .isEqualTo("010000000200000007000000757365725f69640200000005000000616c69636564656d6f");
    assertThat(key("", List.of("k"), List.of(KeyType.INT32), "-1"))
        .isEqualTo("0100000002000000010000006b0300000004000000ffffffff");
    assertThat(key("", List.of("k"), List.of(KeyType.STRING), "\u00e9"))
        .isEqualTo("0100000002000000010000006b0200000002000000c3a9");
  }

  @Test
  void severalKeysAreSortedWithTheirValues() {
    assertThat(
            key(
                "demo",
                List.of("user_id", "merchant_id"),
                List.of(KeyType.STRING, KeyType.INT64),
                "alice~7"))
        .isEqualTo(
            "02000000020000000b0000006d65726368616e745f69640200000007000000757365725f6964"
                + "040000000800000007000000000000000200000005000000616c69636564656d6f");
  }

  @Test
  void keysAreSortedByTheirUtf8BytesAsPythonSortsText() {
    // By UTF-16 units the surrogates of U+1F600 come before U+FF5E; by code point after it.
    String emoji = "\ud83d\ude00";
    String tilde = "\uff5e";
    assertThat(key("p", List.of(emoji, tilde), List.of(KeyType.STRING, KeyType.STRING), "1~2"))
        .isEqualTo(key("p", List.of(tilde, emoji), List.of(KeyType.STRING, KeyType.STRING), "2~1"))
        .startsWith("02000000" + "0200000003000000" + hex(tilde));
  }

  @Test
  void aKeyWithWhatARowEscapesIsItselfAgain() {
    assertThat(key("", List.of("k"), List.of(KeyType.STRING), "a%7Eb%25%7B%7D"))
        .isEqualTo("0100000002000000010000006b0200000006000000" + hex("a~b%{}"));
    assertThatThrownBy(() -> key("", List.of("k"), List.of(KeyType.STRING), "a~b"))
        .hasMessageContaining("has 2 parts, the entity has 1 keys");
  }

  @Test
  void aProjectWhoseNameEndsAsAnothersKeyIsAnother() {
    assertThat(key("xp", List.of("k"), List.of(KeyType.STRING), "a"))
        .isNotEqualTo(key("p", List.of("k"), List.of(KeyType.STRING), "ax"));
  }

  @ParameterizedTest
  @CsvSource({
    "driver_hourly_stats, conv_rate, 6160e3da",
    "user_txn, sum_amount_1h, ef8fdb9c",
    "a, b, 436844a2"
  })
  void featuresAreTheBytesOfMurmur(String view, String feature, String bytes) {
    assertThat(HexFormat.of().formatHex(FeastKeys.field(view, feature))).isEqualTo(bytes);
  }

  @Test
  void valuesHaveTheFieldOfTheirDeclaredType() {
    assertThat(value(ValueType.DOUBLE, 1.5)).isEqualTo("29000000000000f83f");
    assertThat(value(ValueType.DOUBLE, 0.0)).isEqualTo("290000000000000000");
    assertThat(value(ValueType.LONG, 5L)).isEqualTo("2005");
    assertThat(value(ValueType.LONG, 0L)).isEqualTo("2000");
    assertThat(value(ValueType.LONG, -1L)).isEqualTo("20ffffffffffffffffff01");
    assertThat(value(ValueType.BOOLEAN, true)).isEqualTo("3801");
    assertThat(value(ValueType.STRING, "x")).isEqualTo("120178");
    assertThat(value(ValueType.LONG, null)).isEmpty();
    assertThat(value(ValueType.listOf(ValueType.DOUBLE), List.of(1.0, 2.0)))
        .isEqualTo("7a120a10000000000000f03f0000000000000040");
    assertThat(value(ValueType.listOf(ValueType.LONG), List.of(1L, 2L))).isEqualTo("72040a020102");
    assertThat(value(ValueType.listOf(ValueType.STRING), List.of("a", "b")))
        .isEqualTo("62060a01610a0162");
    assertThat(value(ValueType.mapOf(ValueType.LONG), Map.of("k", 1L)))
        .isEqualTo("a201090a070a016b12022001");
    // A whole number in a column of doubles is a double to the reader all the same.
    assertThat(value(ValueType.DOUBLE, 1L)).isEqualTo(value(ValueType.DOUBLE, 1.0));
  }

  @Test
  void timesAreTimestamps() {
    assertThat(time("2026-01-01T00:00:00Z")).isEqualTo("0880f2d6ca06");
    assertThat(time("2026-01-01T00:00:00.123Z")).isEqualTo("0880f2d6ca0610c0a9d33a");
    // Before 1970 the seconds round down, because nanos are never negative.
    assertThat(time("1969-12-31T23:59:59.500Z"))
        .isEqualTo("08ffffffffffffffffff01" + "1080cab5ee01");
  }

  @Test
  void writesOneGuardedHashForAllViewsOfAnEntity() throws IOException {
    FeatureView first = view("driver_hourly_stats", Duration.ofDays(2), "conv_rate");
    FeatureView second = view("driver_daily", Duration.ofDays(1), "trips");
    byte[] key =
        HexFormat.of()
            .parseHex(
                "0100000002000000090000006472697665725f69640400000008000000e90300000000000064656d6f");
    try (RealRedis redis = new RealRedis();
        Jedis jedis = redis.client()) {
      write(redis, first, 3, row("0:5,1:2", 1_767_225_600_000L, 1.5));
      write(redis, second, 1, row("0:9", 1_767_225_600_123L, 2.0));
      Map<String, String> expected = new TreeMap<>();
      expected.put("6160e3da", "29000000000000f83f");
      expected.put(hex("_ts:driver_hourly_stats"), "0880f2d6ca06");
      expected.put(
          hex("_millrace:driver_hourly_stats"), hex("3-0123456789ab|0:5,1:2|1767225600000"));
      expected.put(
          HexFormat.of().formatHex(FeastKeys.field("driver_daily", "trips")), "290000000000000040");
      expected.put(hex("_ts:driver_daily"), "0880f2d6ca0610c0a9d33a");
      expected.put(hex("_millrace:driver_daily"), hex("1-0123456789ab|0:9|1767225600123"));
      assertThat(hash(jedis, key)).isEqualTo(expected);
      // The shorter life of the second view has not shortened the hash's.
      assertThat(jedis.pttl(key)).isGreaterThan(Duration.ofDays(1).toMillis() + 3_600_000);

      // Behind in a partition, though later: refused. The same T with more positions: a correction.
      write(redis, first, 3, row("0:4,1:9", 1_767_225_700_000L, 7.0));
      assertThat(hash(jedis, key)).isEqualTo(expected);
      write(redis, first, 3, row("0:6,1:2", 1_767_225_600_000L, 0.0));
      expected.put("6160e3da", "290000000000000000");
      expected.put(
          hex("_millrace:driver_hourly_stats"), hex("3-0123456789ab|0:6,1:2|1767225600000"));
      assertThat(hash(jedis, key)).isEqualTo(expected);
      // A null is a value that is not set.
      write(redis, first, 3, row("0:7,1:2", 1_767_225_600_000L, null));
      assertThat(hash(jedis, key)).containsEntry("6160e3da", "");
    }
  }

  @Test
  void leavesTheLifeOfAHashThatLastsForEver() throws IOException {
    FeatureView view = view("driver_hourly_stats", Duration.ofDays(2), "conv_rate");
    FeastLayout layout = new FeastLayout("demo", view, source(Schema.Type.LONG), 1);
    FeatureRow row = row("0:5", 1_000, 1.5);
    try (RealRedis redis = new RealRedis();
        Jedis jedis = redis.client()) {
      // As Feast itself wrote it, which has no guard's field.
      jedis.hset(layout.redisKey(row), FeastKeys.field(view.name(), "conv_rate"), new byte[] {});
      write(redis, view, 1, row);
      assertThat(jedis.pttl(layout.redisKey(row))).isEqualTo(-1);
      assertThat(hash(jedis, layout.redisKey(row))).containsEntry("6160e3da", "29000000000000f83f");
    }
  }

  @Test
  void refusesKeysThatFeastDoesNotHave() {
    FeatureView view = view("driver_hourly_stats", HOUR, "conv_rate");
    assertThatThrownBy(() -> new FeastLayout("demo", view, source(Schema.Type.DOUBLE), 1))
        .hasMessageContaining("key driver_id is \"double\"")
        .hasMessageContaining("layout: millrace");
  }

  @Test
  void refusesTwoFeaturesOfTheSameBytes() {
    Map<String, String> seen = new LinkedHashMap<>();
    String one = "";
    String other = "";
    for (int i = 0; one.isEmpty(); i++) {
      String name = "f" + i;
      String before = seen.put(HexFormat.of().formatHex(FeastKeys.field("v", name)), name);
      if (before != null) {
        one = before;
        other = name;
      }
    }
    FeatureView view = view("v", HOUR, one, other);
    assertThatThrownBy(() -> new FeastLayout("demo", view, source(Schema.Type.LONG), 1))
        .hasMessageContaining("features " + one + " and " + other);
  }

  private static void write(RealRedis redis, FeatureView view, long epoch, FeatureRow row)
      throws IOException {
    FeastLayout layout = new FeastLayout("demo", view, source(Schema.Type.LONG), epoch);
    try (JedisRowStore store =
        new JedisRowStore(
            RedisTarget.of(redis.address()), layout, new UnregisteredMetricsGroup())) {
      assertThat(store.write(List.of(row)).whole()).isTrue();
    }
  }

  private static Map<String, String> hash(Jedis jedis, byte[] key) {
    Map<String, String> fields = new TreeMap<>();
    jedis
        .hgetAll(key)
        .forEach(
            (field, value) ->
                fields.put(HexFormat.of().formatHex(field), HexFormat.of().formatHex(value)));
    return fields;
  }

  private static FeatureRow row(String positions, long timeMillis, @Nullable Double value) {
    return new FeatureRow(
        "1001", timeMillis, Positions.parse(positions), 0, false, true, true, new Object[] {value});
  }

  private static FeatureView view(String name, Duration ttl, String... features) {
    return new FeatureView(
        name,
        new Entity("driver", List.of("driver_id")),
        "s",
        List.of("driver_id"),
        null,
        FeatureView.Accuracy.EXACT,
        Duration.ofMinutes(5),
        Duration.ZERO,
        ttl,
        Arrays.stream(features)
            .map(f -> new Feature(f, Function.MEAN, "x", HOUR, ValueType.DOUBLE))
            .toList(),
        "0123456789ab");
  }

  private static Source source(Schema.Type keyType) {
    Schema schema =
        SchemaBuilder.record("Trip")
            .fields()
            .name("driver_id")
            .type(Schema.create(keyType))
            .noDefault()
            .endRecord();
    return new Source(
        "s",
        "s",
        Source.Kind.KAFKA,
        Source.Format.AVRO,
        schema,
        "driver_id",
        "driver_id",
        Duration.ZERO,
        Duration.ZERO,
        Duration.ZERO,
        true,
        List.of(),
        null);
  }

  private static String key(
      String project, List<String> names, List<KeyType> types, String joined) {
    return HexFormat.of().formatHex(new FeastKeys(project, names, types).key(joined));
  }

  private static String value(ValueType type, @Nullable Object value) {
    return HexFormat.of().formatHex(FeastValues.value(type, value));
  }

  private static String time(String instant) {
    return HexFormat.of().formatHex(FeastValues.timestamp(Instant.parse(instant).toEpochMilli()));
  }

  private static String hex(String text) {
    return HexFormat.of().formatHex(text.getBytes(StandardCharsets.UTF_8));
  }
}
