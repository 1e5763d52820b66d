package dev.millrace.drift;

import dev.millrace.core.drift.Reference;
import dev.millrace.core.drift.ReferenceProfile;
import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import dev.millrace.platform.Target;
import dev.millrace.platform.TopicLog;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.avro.AvroRuntimeException;
import org.jspecify.annotations.Nullable;

/** The profiles that {@code models.deployments} names, read from where it says. */
record KafkaReferences(Target target, String model) implements References {

  private static final long serialVersionUID = 1L;

  @Override
  public Optional<Reference> load(int version) throws IOException {
    DeployedVersion deployed = deployed(version);
    if (deployed == null) {
      throw new IOException(Topics.DEPLOYMENTS + " never named it");
    }
    String uri = deployed.profileUri();
    String sha256 = deployed.profileSha256();
    if (uri == null || sha256 == null) {
      return Optional.empty();
    }
    byte[] json;
    try {
      json = Files.readAllBytes(Path.of(URI.create(uri)));
    } catch (IllegalArgumentException | java.nio.file.FileSystemNotFoundException e) {
      throw new IOException(uri + " is no file: " + e.getMessage(), e);
    }
    String found = ReferenceProfile.sha256(json);
    if (!found.equals(sha256)) {
      throw new IOException(uri + " has sha256 " + found + ", registered was " + sha256);
    }
    return Optional.of(new Reference(ReferenceProfile.parse(json), sha256));
  }

  private @Nullable DeployedVersion deployed(int version) throws IOException {
    WireFormat.Reader reader =
        new WireFormat.Reader(
            new ConfluentSubjectRegistry(target.schemaRegistry()), Wire.DEPLOYMENT);
    List<DeployedVersion> found = new ArrayList<>();
    try {
      TopicLog.read(
          target,
          Topics.DEPLOYMENTS,
          record -> {
            Deployment deployment;
            try {
              deployment = Deployment.of(reader.read(record.value()));
            } catch (AvroRuntimeException | IllegalArgumentException e) {
              // Somebody else's record: whoever decides by it has logged it.
              return;
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
            if (deployment.model().equals(model)) {
              List<DeployedVersion> named = new ArrayList<>(deployment.shadows());
              if (deployment.champion() != null) {
                named.add(deployment.champion());
              }
              if (deployment.canary() != null) {
                named.add(deployment.canary());
              }
              named.stream().filter(v -> v.version() == version).forEach(found::add);
            }
          });
    } catch (UncheckedIOException e) {
      throw new IOException(Topics.DEPLOYMENTS + " cannot be read: " + e.getMessage(), e);
    }
    return found.isEmpty() ? null : found.get(found.size() - 1);
  }
}
