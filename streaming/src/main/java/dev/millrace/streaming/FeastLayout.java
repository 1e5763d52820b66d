package dev.millrace.streaming;

import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Source;
import dev.millrace.core.row.FeatureRow;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;

/**
 * Rows as Feast's online store has them: one hash for all views of an entity, in it four bytes for
 * each feature and {@code _ts:<view>}. What the guard compares stands beside in {@code
 * _millrace:<view>}, which no reader of Feast asks for: version, positions and T, joined by {@code
 * |}.
 */
public final class FeastLayout implements RowLayout {

  private static final long serialVersionUID = 1L;

  /** The field of what the guard compares; {@link #TIME} holds T for Feast's readers. */
  static final String GUARD = "_millrace:";

  static final String TIME = "_ts:";

  /**
   * KEYS[1]: the entity's hash. ARGV: epoch, T, positions, ttl in ms, the guard's field, its new
   * value, then fields and values.
   *
   * <p>The hash lives as long as the view that lives longest: its life is never made shorter, and
   * one that somebody else wrote to last for ever does.
   */
  static final String SCRIPT =
      RedisGuard.AHEAD
          + """
          local there = redis.call('HGET', KEYS[1], ARGV[5])
          if there then
            local version, source, time = string.match(there, '^([^|]*)|([^|]*)|(%-?%d+)$')
            if not ahead(version, source, time) then return 0 end
          end
          local left = redis.call('PTTL', KEYS[1])
          redis.call('HSET', KEYS[1], unpack(ARGV, 5))
          if left ~= -1 and left < tonumber(ARGV[4]) then
            redis.call('PEXPIRE', KEYS[1], ARGV[4])
          end
          return 1
          """;

  private final FeastKeys keys;
  private final String epoch;
  private final String version;
  private final byte[] ttlMillis;
  private final byte[] guardField;
  private final byte[] timeField;
  private final List<Field> fields;

  /** A feature in the hash. */
  private record Field(byte[] name, Feature.ValueType type) implements Serializable {}

  /**
   * The layout of one view.
   *
   * @param source of the view, whose schema says which types its keys have
   * @throws IllegalArgumentException where a key has a type that Feast has not, or two features
   *     have the same four bytes
   */
  public FeastLayout(String project, FeatureView view, Source source, long epoch) {
    this(project, view, view.name(), source, epoch);
  }

  /**
   * The same under another name, where two definitions of a view are served.
   *
   * @param key stands for the view's name in each field
   */
  public FeastLayout(String project, FeatureView view, String key, Source source, long epoch) {
    List<FeastKeys.KeyType> types = new ArrayList<>();
    for (String field : view.keyFields()) {
      Schema.Field declared = source.schema().getField(field);
      if (declared == null) {
        throw new IllegalArgumentException(
            "Cannot write view " + view.name() + " in Feast's layout: no field " + field);
      }
      types.add(FeastKeys.KeyType.of(view.name(), declared));
    }
    this.keys = new FeastKeys(project, view.entity().keys(), types);
    this.epoch = String.valueOf(epoch);
    this.version = epoch + "-" + view.id();
    this.ttlMillis = bytes(String.valueOf(view.ttl().toMillis()));
    this.guardField = bytes(GUARD + key);
    this.timeField = bytes(TIME + key);
    this.fields = fields(view, key);
  }

  private static List<Field> fields(FeatureView view, String key) {
    Map<Integer, String> taken = new HashMap<>();
    List<Field> fields = new ArrayList<>();
    for (Feature feature : view.features()) {
      byte[] name = FeastKeys.field(key, feature.name());
      String other = taken.put(ByteBuffer.wrap(name).getInt(), feature.name());
      if (other != null) {
        throw new IllegalArgumentException(
            "Cannot write view "
                + view.name()
                + " in Feast's layout: features "
                + other
                + " and "
                + feature.name()
                + " have the same four bytes; give one of them another name");
      }
      fields.add(new Field(name, feature.type()));
    }
    return List.copyOf(fields);
  }

  @Override
  public String script() {
    return SCRIPT;
  }

  @Override
  public byte[] redisKey(FeatureRow row) {
    return keys.key(row.entityKey());
  }

  @Override
  public List<byte[]> scriptArguments(FeatureRow row) {
    String time = String.valueOf(row.timeMillis());
    String positions = row.positions().toString();
    List<byte[]> arguments = new ArrayList<>(8 + 2 * fields.size());
    arguments.add(bytes(epoch));
    arguments.add(bytes(time));
    arguments.add(bytes(positions));
    arguments.add(ttlMillis);
    arguments.add(guardField);
    arguments.add(bytes(version + "|" + positions + "|" + time));
    arguments.add(timeField);
    arguments.add(FeastValues.timestamp(row.timeMillis()));
    for (int i = 0; i < fields.size(); i++) {
      arguments.add(fields.get(i).name());
      arguments.add(FeastValues.value(fields.get(i).type(), row.values()[i]));
    }
    return arguments;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
