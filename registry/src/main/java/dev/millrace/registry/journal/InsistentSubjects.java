package dev.millrace.registry.journal;

import dev.millrace.schemas.SubjectRegistry;
import java.io.IOException;

/** Tells a registry that does not answer from one that does not know. */
public record InsistentSubjects(SubjectRegistry registry) implements SubjectRegistry {
  @Override
  public int register(String subject, String schemaJson) throws IOException {
    return registry.register(subject, schemaJson);
  }

  @Override
  public String schemaById(int id) throws IOException {
    try {
      return registry.schemaById(id);
    } catch (UnknownSchemaException e) {
      throw e;
    } catch (IOException e) {
      throw new UnreachableException(e);
    }
  }
}
