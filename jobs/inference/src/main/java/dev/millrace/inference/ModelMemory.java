package dev.millrace.inference;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the loaded models of a process may take together. Whoever loads one unloads those that were
 * not used for longest, until there is room; what is in use stays, so that the bound is passed by
 * what runs at the same time.
 *
 * @param mostBytes by {@link #estimate}
 */
record ModelMemory(long mostBytes) implements Serializable {

  /** How much, such as {@code 512m} or {@code 4g}. */
  static final String ENVIRONMENT_VARIABLE = "MILLRACE_MODEL_MEMORY";

  static final ModelMemory USUAL = new ModelMemory(2L << 30);

  private static final Logger LOG = LoggerFactory.getLogger(ModelMemory.class);
  private static final Pattern AMOUNT = Pattern.compile("([0-9]{1,9})([mg])");
  private static final Map<String, Integer> SHIFTS = Map.of("m", 20, "g", 30);

  /** A session of ONNX Runtime with the buffers of its tasks. */
  private static final long SESSION_BYTES = 512L << 10;

  /** Weights are there as the file has them, as the session packs them, and on their way. */
  private static final int FILE_TIMES = 3;

  /** A model that comes back sooner had better stayed. */
  private static final long SOON_NANOS = TimeUnit.SECONDS.toNanos(10);

  private static final long LINE_NANOS = TimeUnit.SECONDS.toNanos(10);

  private static final AtomicLong LOADS = new AtomicLong();
  private static final AtomicLong UNLOADED = new AtomicLong();
  private static final AtomicLong NEXT_LINE_NANOS = new AtomicLong(System.nanoTime());

  /** A model that may go; when it was used last goes on changing. */
  private record Loaded(SharedModel model, long usedNanos) {}

  /** As an installation wants it. */
  static ModelMemory of(Map<String, String> environment) {
    String text = environment.get(ENVIRONMENT_VARIABLE);
    if (text == null) {
      return USUAL;
    }
    Matcher amount = AMOUNT.matcher(text.toLowerCase(Locale.ROOT));
    if (!amount.matches()) {
      throw new IllegalArgumentException(
          "Cannot read "
              + ENVIRONMENT_VARIABLE
              + "="
              + text
              + ": it is no amount of memory; write one such as 512m or 4g");
    }
    return new ModelMemory(
        Long.parseLong(amount.group(1)) << SHIFTS.getOrDefault(amount.group(2), 0));
  }

  /** About how much a model takes while it is loaded. */
  static long estimate(long fileBytes) {
    return SESSION_BYTES + FILE_TIMES * fileBytes;
  }

  /** How often models were loaded in this process. */
  static long loads() {
    return LOADS.get();
  }

  /** How often models were unloaded in this process to make room. */
  static long unloaded() {
    return UNLOADED.get();
  }

  /** How many are loaded in this process. */
  static int loadedNow() {
    return (int) SharedModel.all().stream().filter(SharedModel::isLoaded).count();
  }

  /** A model is there. */
  static void loaded(SharedModel model) {
    LOADS.incrementAndGet();
    LOG.debug("Model {} is loaded", model);
  }

  /** Unloads others until one more has room. */
  void makeRoom(SharedModel wanted, long bytes) {
    List<Loaded> loaded = new ArrayList<>();
    long left = mostBytes - bytes;
    for (SharedModel model : SharedModel.all()) {
      if (model != wanted && model.isLoaded()) {
        loaded.add(new Loaded(model, model.usedNanos()));
        left -= model.bytes();
      }
    }
    if (left >= 0) {
      return;
    }
    long now = System.nanoTime();
    loaded.sort(Comparator.comparingLong(one -> one.usedNanos - now));
    for (int i = 0; i < loaded.size() && left < 0; i++) {
      SharedModel model = loaded.get(i).model;
      if (model.unload()) {
        left += model.bytes();
        tell(model, UNLOADED.incrementAndGet(), now - loaded.get(i).usedNanos);
      }
    }
  }

  private void tell(SharedModel model, long unloaded, long unusedNanos) {
    long now = System.nanoTime();
    long next = NEXT_LINE_NANOS.get();
    if (now - next < 0 || !NEXT_LINE_NANOS.compareAndSet(next, now + LINE_NANOS)) {
      return;
    }
    String line =
        "Model %s is unloaded to make room, not used for %d ms; %d models were unloaded so far in this process, %d MiB are allowed"
            .formatted(
                model, TimeUnit.NANOSECONDS.toMillis(unusedNanos), unloaded, mostBytes >> 20);
    if (unusedNanos < SOON_NANOS) {
      LOG.warn(
          "{}; raise {}: models that are in use are loaded again and again",
          line,
          ENVIRONMENT_VARIABLE);
    } else {
      LOG.info(line);
    }
  }
}
