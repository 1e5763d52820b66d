package dev.millrace.core.rollout;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Named values as the JSON that evidence and the details of a command are written in. */
public final class JsonFields {

  private static final JsonMapper JSON = new JsonMapper();

  public static String of(Map<String, @Nullable Object> fields) {
    try {
      return JSON.writeValueAsString(fields);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("Cannot write " + fields, e);
    }
  }

  private JsonFields() {}
}
