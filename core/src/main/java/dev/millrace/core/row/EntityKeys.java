package dev.millrace.core.row;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How an entity is written: its key values joined by {@code ~}, and its key in Redis. */
public final class EntityKeys {

  /**
   * The entity of the given key values.
   *
   * @return null where one of the values is null
   */
  public static @Nullable String join(List<? extends @Nullable Object> values) {
    StringBuilder key = new StringBuilder();
    for (int i = 0; i < values.size(); i++) {
      Object value = values.get(i);
      if (value == null) {
        return null;
      }
      if (i > 0) {
        key.append('~');
      }
      escape(String.valueOf(value), key);
    }
    return key.toString();
  }

  /** The key values of an entity, as {@link #join} was given them, in their text form. */
  public static List<String> split(String joinedKey) {
    List<String> values = new ArrayList<>();
    for (String part : joinedKey.split("~", -1)) {
      values.add(
          part.indexOf('%') < 0
              ? part
              : part.replace("%7E", "~")
                  .replace("%7B", "{")
                  .replace("%7D", "}")
                  .replace("%25", "%"));
    }
    return values;
  }

  /** {@code features:{<entity>:<key>}:<view>}; the braces keep an entity's views in one slot. */
  public static String redisKey(String entity, String joinedKey, String view) {
    return "features:{" + entity + ":" + joinedKey + "}:" + view;
  }

  private static void escape(String value, StringBuilder into) {
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      switch (c) {
        case '%' -> into.append("%25");
        case '~' -> into.append("%7E");
        case '{' -> into.append("%7B");
        case '}' -> into.append("%7D");
        default -> into.append(c);
      }
    }
  }

  private EntityKeys() {}
}
