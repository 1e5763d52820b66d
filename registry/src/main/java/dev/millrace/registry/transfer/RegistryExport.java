package dev.millrace.registry.transfer;

import dev.millrace.registry.transfer.TransferredJournal.Reading;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All events of the registry's journals as a file. The state is their fold, and commands are not
 * needed for it.
 */
final class RegistryExport {

  private static final Logger LOG = LoggerFactory.getLogger(RegistryExport.class);

  private final List<TransferredJournal<?>> journals;
  private final String installation;
  private final Clock clock;

  RegistryExport(List<TransferredJournal<?>> journals, String installation, Clock clock) {
    this.journals = List.copyOf(journals);
    this.installation = installation;
    this.clock = clock;
  }

  private record Moment<E>(EventKind<E> kind, Reading<E> reading) {
    static <E> Moment<E> of(TransferredJournal<E> journal) {
      return new Moment<>(journal.kind(), journal.now().get());
    }

    void writeTo(ExportWriter writer) {
      Map<String, Long> last = new HashMap<>();
      reading.read(
          event -> {
            long sequence = kind.sequence(event);
            if (sequence == 0) {
              return;
            }
            String subject = kind.subject(event);
            if (sequence != last.getOrDefault(subject, 0L) + 1) {
              LOG.warn(
                  "Leaving {} out of the export: it does not follow those before it, so the registry has not written it",
                  kind.told(event));
              return;
            }
            last.put(subject, sequence);
            try {
              writer.event(kind, event);
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
    }
  }

  /** Writes it, as all is at the moment of the call. */
  void writeTo(OutputStream out) throws IOException {
    // All ends first. The catalogue's before those of tracking: a run is made before a version is
    // of
    // it.
    List<Moment<?>> moments = new ArrayList<>();
    for (TransferredJournal<?> journal : journals) {
      moments.add(Moment.of(journal));
    }
    try (ExportWriter writer = new ExportWriter(out, installation, clock.instant())) {
      for (Moment<?> moment : moments) {
        moment.writeTo(writer);
      }
      writer.end();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }
}
