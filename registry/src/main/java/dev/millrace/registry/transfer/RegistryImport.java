package dev.millrace.registry.transfer;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Takes the events of an export into this registry, each as it was: first the whole file is looked
 * at, then each event is asked for that is not there yet. So an import that stopped is run again,
 * and one that is done changes nothing.
 */
final class RegistryImport {

  private static final int TOLD_MAX = 100;

  private final List<TransferredJournal<?>> journals;
  private final TransferLimits limits;
  private final Duration patience;

  /**
   * @param patience with each event until it is committed
   */
  RegistryImport(List<TransferredJournal<?>> journals, TransferLimits limits, Duration patience) {
    this.journals = List.copyOf(journals);
    this.limits = limits;
    this.patience = patience;
  }

  /**
   * What was done.
   *
   * @param subjects of each journal in the file
   */
  record Done(long events, long added, long alreadyThere, Map<String, Integer> subjects) {}

  /** What is done with each event. */
  @FunctionalInterface
  private interface Step {
    void take(JournalImport<?> journal, ObjectNode event, long line) throws InterruptedException;
  }

  /**
   * Imports a file.
   *
   * @param actor who asks
   * @throws BadExportException where it is no whole export; nothing was changed
   * @throws ConflictException where the registry has other events; nothing was changed, unless
   *     somebody else wrote meanwhile
   * @throws UnfinishedException where the registry does not answer
   */
  Done run(Path file, String actor) throws IOException, InterruptedException {
    Map<String, JournalImport<?>> imports = new LinkedHashMap<>();
    for (TransferredJournal<?> journal : journals) {
      JournalImport<?> begun = new JournalImport<>(journal);
      imports.put(begun.name(), begun);
    }
    long events =
        each(file, imports, (i, event, line) -> i.check(event, line, limits.stateBytes()));
    refuseConflicts(imports);
    try {
      long unusedSame =
          each(file, imports, (i, event, line) -> i.bring(event, line, actor, patience));
      for (JournalImport<?> each : imports.values()) {
        each.await(patience);
      }
    } finally {
      imports.values().forEach(JournalImport::cancel);
    }
    Map<String, Integer> subjects = new LinkedHashMap<>();
    imports.forEach((name, done) -> subjects.put(name, done.subjects()));
    return new Done(
        events,
        imports.values().stream().mapToLong(JournalImport::added).sum(),
        imports.values().stream().mapToLong(JournalImport::alreadyThere).sum(),
        subjects);
  }

  private long each(Path file, Map<String, JournalImport<?>> imports, Step step)
      throws IOException, InterruptedException {
    long events = 0;
    try (InputStream in = Files.newInputStream(file);
        ExportReader reader = new ExportReader(in, limits)) {
      for (ObjectNode next = reader.next(); next != null; next = reader.next()) {
        String name = next.path("journal").asText();
        JournalImport<?> journal = imports.get(name);
        if (journal == null) {
          throw BadExportException.at(
              reader.line(),
              "it is of journal '%s', and known are %s".formatted(name, imports.keySet()));
        }
        step.take(journal, next, reader.line());
        events++;
      }
    }
    return events;
  }

  private static void refuseConflicts(Map<String, JournalImport<?>> imports) {
    List<String> problems = new ArrayList<>();
    imports.values().forEach(i -> problems.addAll(i.conflicts()));
    if (problems.isEmpty()) {
      return;
    }
    int all = problems.size();
    throw new ConflictException(
        "Cannot import: %d models, runs or other subjects have another history here; nothing was changed. Import into an empty registry"
            .formatted(all),
        all > TOLD_MAX ? problems.subList(0, TOLD_MAX) : problems);
  }
}
