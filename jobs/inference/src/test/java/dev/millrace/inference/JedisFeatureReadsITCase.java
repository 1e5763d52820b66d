package dev.millrace.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Jedis;

class JedisFeatureReadsITCase {

  private static final List<String> FIELDS = List.of("_time", "count_1h", "delay_mean_1h");

  @Test
  void readsManyHashesAtOnceAndComesBackAfterAFailure() throws Exception {
    try (RealRedis redis = new RealRedis();
        JedisFeatureReads reads = new JedisFeatureReads(redis.address())) {
      List<FeatureReads.Query> queries = new ArrayList<>();
      for (int i = 0; i < 600; i++) {
        String key = "features:{origin:" + i + "}:origin_delays";
        redis.row(key, Map.of("_time", String.valueOf(i), "count_1h", "2"));
        queries.add(new FeatureReads.Query(key, FIELDS));
      }
      queries.add(new FeatureReads.Query("features:{origin:none}:origin_delays", FIELDS));
      var rows = reads.read(queries);
      assertThat(rows).hasSize(601);
      assertThat(texts(rows.get(599))).isEqualTo(Arrays.asList("599", "2", null));
      assertThat(texts(rows.get(600))).isEqualTo(Arrays.asList(null, null, null));
      redis.stop();
      assertThatThrownBy(() -> reads.read(queries))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("Redis at " + redis.address());
      redis.startAgain();
      assertThat(texts(reads.read(queries).get(0))).isEqualTo(Arrays.asList(null, null, null));
    }
  }

  @Test
  void aKeyThatHoldsSomethingElseIsAFailureNotACrash() throws Exception {
    try (RealRedis redis = new RealRedis();
        JedisFeatureReads reads = new JedisFeatureReads(redis.address());
        Jedis jedis = new Jedis(URI.create("redis://" + redis.address()))) {
      jedis.set("text", "no hash");
      assertThatThrownBy(
              () ->
                  reads.read(
                      List.of(
                          new FeatureReads.Query("text", FIELDS),
                          new FeatureReads.Query("other", FIELDS))))
          .isInstanceOf(IOException.class);
      assertThat(reads.read(List.of(new FeatureReads.Query("other", FIELDS)))).hasSize(1);
    }
  }

  private static List<@Nullable String> texts(List<byte @Nullable []> row) {
    List<@Nullable String> texts = new ArrayList<>();
    row.forEach(
        value -> texts.add(value == null ? null : new String(value, StandardCharsets.UTF_8)));
    return texts;
  }
}
