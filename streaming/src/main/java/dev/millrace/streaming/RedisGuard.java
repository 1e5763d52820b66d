package dev.millrace.streaming;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.row.EntityKeys;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.core.row.ValueText;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * How a row goes into Redis: one script compares epoch, positions and T with the row that is there
 * and writes only where the new one is ahead, so that no reader sees a row step back.
 */
public final class RedisGuard implements Serializable {

  private static final long serialVersionUID = 1L;

  /**
   * KEYS[1]: the row. ARGV: epoch, T, positions, version, ttl in ms, the number n of null features,
   * their n names, then names and values of the others.
   *
   * <p>Returns 1 where the row was written, 0 where the one that is there is not behind.
   */
  static final String SCRIPT =
      """
      local there = redis.call('HMGET', KEYS[1], '_version', '_source', '_time')
      if there[1] then
        local epoch = tonumber(string.match(there[1], '^(%d+)-'))
        local mine = tonumber(ARGV[1])
        if epoch > mine then return 0 end
        if epoch == mine then
          local ahead = false
          local positions = {}
          for p, o in string.gmatch(ARGV[3], '(%d+):(%d+)') do positions[p] = tonumber(o) end
          local known = 0
          for p, o in string.gmatch(there[2], '(%d+):(%d+)') do
            local here = positions[p]
            if not here or here < tonumber(o) then return 0 end
            if here > tonumber(o) then ahead = true end
            known = known + 1
          end
          for _ in pairs(positions) do known = known - 1 end
          if known < 0 then ahead = true end
          local t = tonumber(there[3])
          if t > tonumber(ARGV[2]) then return 0 end
          if t < tonumber(ARGV[2]) then ahead = true end
          if not ahead then return 0 end
        end
      end
      local nulls = tonumber(ARGV[6])
      for i = 1, nulls do redis.call('HDEL', KEYS[1], ARGV[6 + i]) end
      local fields = {'_time', ARGV[2], '_source', ARGV[3], '_version', ARGV[4]}
      for i = 7 + nulls, #ARGV do fields[#fields + 1] = ARGV[i] end
      redis.call('HSET', KEYS[1], unpack(fields))
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
    this.entity = view.entity().name();
    this.view = view.name();
    this.epoch = String.valueOf(epoch);
    this.version = epoch + "-" + view.id();
    this.ttlMillis = String.valueOf(view.ttl().toMillis());
    this.features = view.features().stream().map(f -> f.name()).toList();
  }

  public String key(FeatureRow row) {
    return EntityKeys.redisKey(entity, row.entityKey(), view);
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
