package dev.millrace.schemas;

import java.io.IOException;
import java.util.Map;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.avro.AvroSchema;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.CachedSchemaRegistryClient;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.RestService;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException;

/**
 * Confluent's own client, as Flink's bundle brings it. Its Avro is relocated, so schemas cross this
 * class as text and no other class of the project sees the client.
 */
public final class ConfluentSubjectRegistry implements SubjectRegistry {

  private static final int SCHEMAS_CACHED_MAX = 1_000;
  private static final int CONNECT_TIMEOUT_MILLIS = 5_000;
  private static final int READ_TIMEOUT_MILLIS = 15_000;
  private static final int NOT_FOUND = 404;
  private static final int CONFLICT = 409;
  private static final int UNPROCESSABLE = 422;

  private final String url;
  private final CachedSchemaRegistryClient client;

  public ConfluentSubjectRegistry(String url) {
    this.url = url;
    RestService rest = new RestService(url);
    rest.setHttpConnectTimeoutMs(CONNECT_TIMEOUT_MILLIS);
    rest.setHttpReadTimeoutMs(READ_TIMEOUT_MILLIS);
    this.client = new CachedSchemaRegistryClient(rest, SCHEMAS_CACHED_MAX, Map.of());
  }

  @Override
  public int register(String subject, String schemaJson) throws IOException {
    try {
      return client.register(subject, new AvroSchema(schemaJson));
    } catch (RestClientException e) {
      if (e.getStatus() == CONFLICT || e.getStatus() == UNPROCESSABLE) {
        throw new IncompatibleSchemaException(subject, String.valueOf(e.getMessage()));
      }
      throw refused("register subject " + subject, e);
    }
  }

  @Override
  public String schemaById(int id) throws IOException {
    try {
      return client.getSchemaById(id).canonicalString();
    } catch (RestClientException e) {
      if (e.getStatus() == NOT_FOUND) {
        throw new UnknownSchemaException(id);
      }
      throw refused("read schema id " + id, e);
    }
  }

  private IOException refused(String what, RestClientException e) {
    return new IOException(
        "Cannot " + what + " at " + url + ": status " + e.getStatus() + ", " + e.getMessage(), e);
  }
}
