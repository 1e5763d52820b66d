package dev.millrace.e2e;

import dev.millrace.platform.Target;
import dev.millrace.schemas.Wire;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.util.Utf8;
import org.jspecify.annotations.Nullable;

/** What the project {@code market} predicts, and what its audits say. */
final class MarketRecords {

  /** {@code millrace.audit.share}, as {@code flink-conf} leaves it. */
  private static final double AUDITED_SHARE = 0.001;

  static String reason(GenericRecord audit) {
    Object reason = audit.get("reason");
    return reason == null ? "" : String.valueOf(reason).replaceFirst(":.*", "");
  }

  static @Nullable GenericRecord row(GenericRecord prediction, String view) {
    return prediction.get("rows") instanceof Map<?, ?> rows
            && rows.get(new Utf8(view)) instanceof GenericRecord row
        ? row
        : null;
  }

  static String key(GenericRecord prediction, String view) {
    String entity = NaiveMarket.entity(view);
    return String.valueOf(((Map<?, ?>) prediction.get("entity_keys")).get(new Utf8(entity)));
  }

  static List<@Nullable Double> inputs(GenericRecord prediction, String view) {
    Map<?, ?> inputs = (Map<?, ?>) prediction.get("inputs");
    List<@Nullable Double> values = new ArrayList<>();
    for (String feature : Objects.requireNonNull(NaiveMarket.FEATURES.get(view))) {
      Utf8 own = new Utf8(view + "_" + feature);
      values.add(number(inputs.containsKey(own) ? inputs.get(own) : inputs.get(new Utf8(feature))));
    }
    return values;
  }

  static @Nullable Double number(@Nullable Object value) {
    return value == null ? null : Double.valueOf(String.valueOf(value));
  }

  static String predictionId(String eventId) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest(("market\u001ftaste\u001f" + eventId).getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest).substring(0, 32);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  static boolean isSampled(String eventId) {
    return Long.parseLong(predictionId(eventId).substring(0, 13), 16) / 0x1p52 < AUDITED_SHARE;
  }

  static List<GenericRecord> predictions(Target target) {
    return records(target, "market.predictions.taste", Wire.PREDICTION);
  }

  static List<GenericRecord> audits(Target target) {
    return records(target, "market.audit", Wire.AUDIT);
  }

  private static List<GenericRecord> records(Target target, String topic, Schema schema) {
    List<GenericRecord> records = new ArrayList<>();
    TopicRecords.each(target, topic, schema, records::add);
    return records;
  }

  private MarketRecords() {}
}
