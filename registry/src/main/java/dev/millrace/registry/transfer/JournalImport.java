package dev.millrace.registry.transfer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.registry.transfer.EventKind.Folding;
import dev.millrace.registry.transfer.TransferredJournal.Reading;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.commons.codec.digest.DigestUtils;
import org.jspecify.annotations.Nullable;

/**
 * One journal's part of an import. What is there already is known by 8 bytes of each event's
 * digest, which is less than the registry keeps of it.
 */
final class JournalImport<E> {

  /** Commands that are under way at once: a commit takes a tenth of a second, whatever it holds. */
  private static final int UNDER_WAY_MAX = 500;

  private static final long UNDER_WAY_CHARACTERS_MAX = 16_000_000;

  private final TransferredJournal<E> journal;
  private final EventKind<E> kind;
  private final Reading<E> reading;
  private final Map<String, Known> there = new HashMap<>();
  private final Map<String, Long> last = new HashMap<>();
  private final Map<String, Conflict<E>> conflicts = new TreeMap<>();
  private final Folding<E> folding;
  private final Deque<UnderWay<E>> underWay = new ArrayDeque<>();
  private long characters;
  private long added;
  private long alreadyThere;

  /** The digests of a subject's events. */
  private static final class Known {
    private long[] digests = new long[4];
    private int size;

    void add(long digest) {
      if (size == digests.length) {
        digests = Arrays.copyOf(digests, size * 2);
      }
      digests[size++] = digest;
    }

    @Nullable Long digest(long sequence) {
      return sequence <= size ? digests[(int) sequence - 1] : null;
    }
  }

  private record Conflict<E>(E event, long sequence, long line) {}

  private record UnderWay<E>(E event, long line, int characters, CompletableFuture<E> answer) {}

  /** Reads what is there. */
  JournalImport(TransferredJournal<E> journal) {
    this.journal = journal;
    this.kind = journal.kind();
    this.folding = kind.folding();
    this.reading = journal.now().get();
    reading.read(
        event -> {
          long sequence = kind.sequence(event);
          Known known = there.computeIfAbsent(kind.subject(event), unused -> new Known());
          if (sequence == known.size + 1) {
            known.add(digest(event));
          }
        });
    there.values().removeIf(known -> known.size == 0);
  }

  String name() {
    return kind.journal();
  }

  private long digest(E event) {
    return ByteBuffer.wrap(
            DigestUtils.sha256(kind.json(event).toString().getBytes(StandardCharsets.UTF_8)))
        .getLong();
  }

  /** Looks at an event before anything is changed. */
  void check(ObjectNode json, long line, long stateBytesMax) {
    E event = event(json, line);
    String subject = kind.subject(event);
    long sequence = kind.sequence(event);
    long before = last.getOrDefault(subject, 0L);
    if (sequence != before + 1) {
      throw BadExportException.at(
          line,
          "%s comes after its number %d; the file is no whole export"
              .formatted(kind.told(event), before));
    }
    last.put(subject, sequence);
    try {
      folding.take(event);
    } catch (RuntimeException e) {
      throw BadExportException.at(
          line,
          "%s does not follow from the events before it: %s"
              .formatted(kind.told(event), e.getMessage()));
    }
    if (folding.bytes() > stateBytesMax) {
      throw BadExportException.at(
          line,
          "what comes until here takes more than %d bytes of memory; give the registry more (-Xmx)"
              .formatted(stateBytesMax));
    }
    if (!isThere(event) && digestThere(event) != null) {
      conflicts.putIfAbsent(subject, new Conflict<>(event, sequence, line));
    }
  }

  private E event(JsonNode json, long line) {
    try {
      return kind.event(json);
    } catch (IllegalArgumentException e) {
      throw BadExportException.at(line, "it is no event of a registry: " + e.getMessage());
    }
  }

  private @Nullable Long digestThere(E event) {
    Known known = there.get(kind.subject(event));
    return known == null ? null : known.digest(kind.sequence(event));
  }

  private boolean isThere(E event) {
    Long known = digestThere(event);
    return known != null && known == digest(event);
  }

  /** Where the registry has other events than the file. */
  List<String> conflicts() {
    if (conflicts.isEmpty()) {
      return List.of();
    }
    Map<String, String> others = new HashMap<>();
    reading.read(
        event -> {
          Conflict<E> conflict = conflicts.get(kind.subject(event));
          if (conflict != null && conflict.sequence == kind.sequence(event)) {
            String unusedBefore = others.putIfAbsent(kind.subject(event), kind.told(event));
          }
        });
    List<String> told = new ArrayList<>();
    conflicts.forEach(
        (subject, conflict) ->
            told.add(
                "line %d: the file has %s, and here is %s already"
                    .formatted(conflict.line, kind.told(conflict.event), others.get(subject))));
    return told;
  }

  /** Asks for an event where it is not there yet. */
  void bring(ObjectNode json, long line, String actor, Duration patience)
      throws InterruptedException {
    E event = event(json, line);
    if (isThere(event)) {
      alreadyThere++;
      return;
    }
    int length = json.path("details").asText().length();
    while (underWay.size() >= UNDER_WAY_MAX
        || (!underWay.isEmpty() && characters + length > UNDER_WAY_CHARACTERS_MAX)) {
      awaitOldest(patience);
    }
    characters += length;
    underWay.add(new UnderWay<>(event, line, length, journal.bringing().bring(event, actor)));
  }

  /** Waits for all that is under way. */
  void await(Duration patience) throws InterruptedException {
    while (!underWay.isEmpty()) {
      awaitOldest(patience);
    }
  }

  /** Nobody waits any longer. */
  void cancel() {
    underWay.forEach(u -> u.answer.cancel(false));
    underWay.clear();
  }

  private void awaitOldest(Duration patience) throws InterruptedException {
    UnderWay<E> oldest = underWay.remove();
    E answer;
    try {
      answer = oldest.answer.get(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      oldest.answer.cancel(false);
      throw unfinished(oldest, "was not taken in " + patience.toSeconds() + " s");
    } catch (ExecutionException e) {
      throw unfinished(oldest, "could not be written: " + e.getCause());
    }
    if (!answer.equals(oldest.event)) {
      throw new ConflictException(
          "Cannot go on with the import: somebody changes the registry meanwhile; %s was imported up to line %d"
              .formatted(kind.journal(), oldest.line - 1),
          List.of(
              "line %d: the file has %s, and here is %s now"
                  .formatted(oldest.line, kind.told(oldest.event), kind.told(answer))));
    }
    characters -= oldest.characters;
    added++;
  }

  private UnfinishedException unfinished(UnderWay<E> oldest, String why) {
    return new UnfinishedException(
        "Cannot go on with the import: line %d, %s, %s; import the same file again, it goes on where it stopped"
            .formatted(oldest.line, kind.told(oldest.event), why));
  }

  /** How many events were not there before. */
  long added() {
    return added;
  }

  long alreadyThere() {
    return alreadyThere;
  }

  int subjects() {
    return last.size();
  }
}
