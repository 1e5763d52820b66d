package dev.millrace.streaming;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.row.EntityKeys;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.core.row.ValueText;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * How a row goes into Redis: one script compares epoch, positions and T with the row that is there
 * and writes only where the new one is ahead, so that no reader sees a row step back.
 */
public final class RedisGuard implements RowLayout {

  private static final long serialVersionUID = 1L;

  /**
   * Whether a row of epoch {@code ARGV[1]}, T {@code ARGV[2]} and positions {@code ARGV[3]} is
   * ahead of the one that is there. Positions are written in one way only, so that those that
   * differ and are behind in no partition are ahead in one.
   */
  static final String AHEAD =
      """
      local function ahead(version, source, time)
        local epoch = version and tonumber(string.match(version, '^(%d+)-'))
        local t = time and tonumber(time)
        if not epoch or not source or not t then return true end
        local mine = tonumber(ARGV[1])
        if epoch ~= mine then return epoch < mine end
        local to = tonumber(ARGV[2])
        if t > to then return false end
        if source == ARGV[3] then return t < to end
        local positions = {}
        for p, o in string.gmatch(ARGV[3], '(%d+):(%d+)') do positions[p] = tonumber(o) end
        for p, o in string.gmatch(source, '(%d+):(%d+)') do
          local here = positions[p]
          if not here or here < tonumber(o) then return false end
        end
        return true
      end
      """;

  /**
   * KEYS[1]: the row. ARGV: epoch, T, positions, version, ttl in ms, the number n of null features,
   * their n names, then names and values of the others.
   *
   * <p>Returns 1 where the row was written, 0 where the one that is there is not behind. The first
   * write is the one that a full Redis refuses, so that a row is never half written. A row of
   * another version may have features that this one has not: it goes as a whole.
   */
  static final String SCRIPT =
      AHEAD
          + """
          local there = redis.call('HMGET', KEYS[1], '_version', '_source', '_time')
          if not ahead(there[1], there[2], there[3]) then return 0 end
          local nulls = tonumber(ARGV[6])
          if there[1] and there[1] ~= ARGV[4] then redis.call('DEL', KEYS[1]) end
          redis.call('HSET', KEYS[1], '_time', ARGV[2], '_source', ARGV[3], '_version', ARGV[4],
            unpack(ARGV, 7 + nulls))
          if nulls > 0 and there[1] == ARGV[4] then
            redis.call('HDEL', KEYS[1], unpack(ARGV, 7, 6 + nulls))
          end
          redis.call('PEXPIRE', KEYS[1], ARGV[5])
          return 1
          """;

  private final String entity;
  private final String view;
  private final String epoch;
  private final String version;
  private final String ttlMillis;
  private final List<String> features;

  public RedisGuard(FeatureView view, long epoch) {
    this(view, view.name(), epoch);
  }

  /**
   * @param key the last part of the keys: the view's name, or another where two definitions of it
   *     are served
   */
  public RedisGuard(FeatureView view, String key, long epoch) {
    this.entity = view.entity().name();
    this.view = key;
    this.epoch = String.valueOf(epoch);
    this.version = epoch + "-" + view.id();
    this.ttlMillis = String.valueOf(view.ttl().toMillis());
    this.features = view.features().stream().map(f -> f.name()).toList();
  }

  public String key(FeatureRow row) {
    return EntityKeys.redisKey(entity, row.entityKey(), view);
  }

  @Override
  public String script() {
    return SCRIPT;
  }

  @Override
  public byte[] redisKey(FeatureRow row) {
    return key(row).getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public List<byte[]> scriptArguments(FeatureRow row) {
    List<String> arguments = arguments(row);
    List<byte[]> encoded = new ArrayList<>(arguments.size());
    for (String argument : arguments) {
      encoded.add(argument.getBytes(StandardCharsets.UTF_8));
    }
    return encoded;
  }

  /** The script's arguments for a row. */
  public List<String> arguments(FeatureRow row) {
    List<String> nulls = new ArrayList<>();
    List<String> fields = new ArrayList<>();
    for (int i = 0; i < features.size(); i++) {
      Object value = row.values()[i];
      if (value == null) {
        nulls.add(features.get(i));
      } else {
        fields.add(features.get(i));
        fields.add(ValueText.of(value));
      }
    }
    List<String> arguments = new ArrayList<>(6 + nulls.size() + fields.size());
    arguments.add(epoch);
    arguments.add(String.valueOf(row.timeMillis()));
    arguments.add(row.positions().toString());
    arguments.add(version);
    arguments.add(ttlMillis);
    arguments.add(String.valueOf(nulls.size()));
    arguments.addAll(nulls);
    arguments.addAll(fields);
    return arguments;
  }
}
