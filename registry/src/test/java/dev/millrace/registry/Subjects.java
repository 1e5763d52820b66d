package dev.millrace.registry;

import dev.millrace.schemas.SubjectRegistry;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Subjects in memory. */
public final class Subjects implements SubjectRegistry {
  private final Map<Integer, String> schemas = new ConcurrentHashMap<>();

  @Override
  public synchronized int register(String subject, String schemaJson) {
    for (Map.Entry<Integer, String> known : schemas.entrySet()) {
      if (known.getValue().equals(schemaJson)) {
        return known.getKey();
      }
    }
    schemas.put(schemas.size() + 1, schemaJson);
    return schemas.size();
  }

  @Override
  public String schemaById(int id) throws IOException {
    String schema = schemas.get(id);
    if (schema == null) {
      throw new UnknownSchemaException(id);
    }
    return schema;
  }
}
