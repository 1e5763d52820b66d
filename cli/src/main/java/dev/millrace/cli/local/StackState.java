package dev.millrace.cli.local;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the supervisor says about itself and its processes, in {@code state.json}. Everyone else
 * only reads it.
 *
 * @param supervisor the supervising process
 * @param portOffset of this stack
 * @param services all processes, in the order in which they are shown
 * @param problems what could not be done and is not a dead process: jobs that did not come back
 */
public record StackState(
    @JsonProperty("supervisor") ProcessIdentity supervisor,
    @JsonProperty("portOffset") int portOffset,
    @JsonProperty("services") List<ServiceState> services,
    @JsonProperty("problems") List<String> problems) {
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .disable(MapperFeature.AUTO_DETECT_IS_GETTERS)
          // A newer supervisor may say more than this program knows.
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build();

  /** What a process is doing. */
  public enum Phase {
    STARTING,
    READY,
    /** Dead; waiting before the next start. */
    RESTARTING,
    STOPPED
  }

  /**
   * @param name of the service
   * @param phase what it is doing
   * @param process null while there is none
   * @param restarts how often it was started again
   * @param address what it listens on, host:port
   * @param log its log file
   * @param readyAfterMillis from its start until it answered; null until it did
   */
  public record ServiceState(
      @JsonProperty("name") String name,
      @JsonProperty("phase") Phase phase,
      @JsonProperty("process") @Nullable ProcessIdentity process,
      @JsonProperty("restarts") int restarts,
      @JsonProperty("address") String address,
      @JsonProperty("log") String log,
      @JsonProperty("readyAfterMillis") @Nullable Long readyAfterMillis) {

    /** Ready, and not dead since the file was written. */
    boolean isUp() {
      return phase == Phase.READY && process != null && process.isAlive();
    }
  }

  boolean isReady() {
    return !services.isEmpty() && services.stream().allMatch(ServiceState::isUp);
  }

  /** Whether all others work. */
  boolean isReadyBut(String name) {
    return !services.isEmpty()
        && services.stream().allMatch(s -> s.name().equals(name) || s.isUp());
  }

  static Optional<StackState> read(StackLayout layout) throws IOException {
    try {
      return Optional.of(JSON.readValue(Files.readString(layout.stateFile()), StackState.class));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (JsonProcessingException e) {
      throw new IOException(
          "Cannot read " + layout.stateFile() + ": it is not a stack's state; delete it", e);
    }
  }

  /** Readers see the old file or the new one, never a part. */
  void write(StackLayout layout) throws IOException {
    Path part = layout.stateFile().resolveSibling("state.json.part");
    Files.write(part, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(this));
    Files.move(
        part,
        layout.stateFile(),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
  }
}
