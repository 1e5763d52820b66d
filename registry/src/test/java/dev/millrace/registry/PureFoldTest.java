package dev.millrace.registry;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.core.model.LifecycleEntry.Kind;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The state is a fold of the events and of nothing else; commands are not needed for it. */
class PureFoldTest {

  private static final List<String> MODELS = List.of("a", "b");
  private static final String SHA = "cd".repeat(32);

  @SuppressWarnings("NullAway.Init") // JUnit sets it.
  @TempDir
  private Path folder;

  @ParameterizedTest
  @ValueSource(longs = {1, 2})
  void theStoresCanBeMadeAgainFromTheEvents(long seed) {
    Random random = new Random(seed);
    try (DriverCatalogue catalogue = new DriverCatalogue(folder)) {
      for (int i = 0; i < 400; i++) {
        // Not every command becomes something.
        catalogue.tell(command(random, i));
      }
      FoldedJournal again = new FoldedJournal();
      catalogue.events().forEach(again::take);
      ModelHistories stored = catalogue.stored();
      for (String model : MODELS) {
        assertThat(again.model(model)).contains(stored.model(model));
        assertThat(catalogue.model(model)).contains(stored.model(model));
      }
      Map<String, Long> kinds =
          catalogue.events().stream()
              .collect(
                  Collectors.groupingBy(LifecycleEntry::type, TreeMap::new, Collectors.counting()));
      assertThat(kinds.keySet())
          .as("every event of the catalogue was among them")
          .contains(
              "MODEL_CREATED",
              "MODEL_UPDATED",
              "MODEL_DELETED",
              "TAG_SET",
              "TAG_DELETED",
              "ALIAS_SET",
              "ALIAS_DELETED",
              "VERSION_REGISTERED",
              "VERSION_UPDATED",
              "VERSION_TRANSITIONED",
              "VERSION_DELETED",
              "MODEL_PAUSED",
              "MODEL_RESUMED",
              "REFUSED");
    }
  }

  private static LifecycleEntry command(Random random, int number) {
    Command[] all = {
      Command.CREATE_MODEL,
      Command.CREATE_MODEL,
      Command.UPDATE_MODEL,
      Command.SET_TAG,
      Command.DELETE_TAG,
      Command.SET_ALIAS,
      Command.DELETE_ALIAS,
      Command.UPDATE_VERSION,
      Command.TRANSITION_VERSION,
      Command.DELETE_VERSION,
      Command.REGISTER,
      Command.REGISTER,
      Command.VALIDATE,
      Command.PAUSE,
      Command.RESUME,
      random.nextInt(5) == 0 ? Command.DELETE_MODEL : Command.ARCHIVE
    };
    Command command = all[random.nextInt(all.length)];
    @Nullable Integer version = random.nextInt(6) == 0 ? null : 1 + random.nextInt(8);
    ObjectNode details = JsonNodeFactory.instance.objectNode();
    details.put("description", "text " + random.nextInt(5));
    details.put("key", "k" + random.nextInt(4));
    details.put("value", "v" + random.nextInt(4));
    details.put("alias", random.nextInt(9) == 0 ? "v1" : "alias" + random.nextInt(3));
    details.put("stage", List.of("None", "staging", "Production", "x").get(random.nextInt(4)));
    details.put("archive_existing", random.nextBoolean());
    details.put("passed", random.nextBoolean());
    details.putObject("tags").put("k" + random.nextInt(3), "v");
    boolean registers = command == Command.REGISTER;
    return new LifecycleEntry(
        MODELS.get(random.nextInt(MODELS.size())),
        Kind.COMMAND,
        command.name(),
        version,
        "someone",
        "because",
        number,
        "key" + number,
        registers ? "s3://there/" + number : null,
        registers ? SHA : null,
        details.toString());
  }
}
