package dev.millrace.schemas;

import java.io.IOException;

/** The schema registry as Millrace needs it; schemas travel as JSON text. */
public interface SubjectRegistry {

  /**
   * Registers a schema, or finds it where the subject has it already.
   *
   * @return the schema's id
   * @throws IncompatibleSchemaException where the subject's compatibility refuses it
   * @throws IOException where the registry cannot be reached
   */
  int register(String subject, String schemaJson) throws IOException;

  /**
   * @throws UnknownSchemaException where the registry has no such id
   * @throws IOException where the registry cannot be reached
   */
  String schemaById(int id) throws IOException;

  /** The registry answered: it knows no schema with that id. */
  final class UnknownSchemaException extends IOException {
    public UnknownSchemaException(int id) {
      super("Cannot find schema id " + id + ": the registry does not know it");
    }
  }

  /** The registry answered: the subject's older schemas forbid this one. */
  final class IncompatibleSchemaException extends IOException {
    public IncompatibleSchemaException(String subject, String why) {
      super(
          "Cannot register a schema under subject "
              + subject
              + ": it is not compatible with the versions there ("
              + why
              + "); give new fields a default, or use a new topic");
    }
  }
}
