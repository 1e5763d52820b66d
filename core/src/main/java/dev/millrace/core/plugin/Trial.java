package dev.millrace.core.plugin;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Tries a provider out over a handful of values of each kind it takes: what a row rests on is
 * looked at before a job depends on it. It can show that a function is wrong, never that it is
 * right.
 */
final class Trial<A> {

  private static final long WINDOW_MILLIS = 3_600_000;
  private static final long END_MILLIS = 1_700_000_000_000L;

  private final InstalledFunction function;
  private final AggregationProvider<A> provider;

  /** One value to add; several have one time. */
  private record Sample(Object value, long timeMillis) {}

  Trial(InstalledFunction function, AggregationProvider<A> provider) {
    this.function = function;
    this.provider = provider;
  }

  @Nullable String fault() {
    if (function.columns().isEmpty()) {
      return fault(samples(true, true, true, true, true, true, true, true));
    }
    for (ColumnKind kind : function.columns()) {
      String fault = fault(samples(kind));
      if (fault != null) {
        return "over a column of kind " + kind + " " + fault;
      }
    }
    return null;
  }

  private List<Sample> samples(ColumnKind kind) {
    return switch (kind) {
      case WHOLE ->
          function.takesDoubles()
              ? samples(3.0, -7.0, 0.0, 3.0, 1e15, 12.0, -1.0, 5.0)
              : samples(3L, -7L, 0L, 3L, 1L << 60, 12L, -1L, 5L);
      case REAL -> samples(0.1, -2.25, 0.0, 0.1, 0.7, 0.2, 0.3, 1e-9);
      case TEXT -> samples("b", "", "é", "b", "a longer text than the others", "c", "B", "1");
      case TRUTH -> samples(true, false, false, true, true, true, false, true);
      case TIME -> samples(3L, END_MILLIS, 0L, 3L, END_MILLIS + 1, 12L, 7L, 5L);
    };
  }

  private static List<Sample> samples(Object... values) {
    List<Sample> samples = new ArrayList<>();
    for (int i = 0; i < values.length; i++) {
      samples.add(new Sample(values[i], END_MILLIS - 60_000L * (values.length - i / 2)));
    }
    return samples;
  }

  private @Nullable String fault(List<Sample> samples) {
    try {
      String bytes = bytesFault(samples);
      if (bytes != null || function.error().isPresent()) {
        // What is only near may differ from one order to another.
        return bytes;
      }
      String order = orderFault(samples);
      return order != null || !function.removes() ? order : removalFault(samples);
    } catch (RuntimeException | LinkageError | IOException e) {
      return "throws " + e;
    }
  }

  private @Nullable String bytesFault(List<Sample> samples) throws IOException {
    A all = added(samples);
    byte[] bytes = bytes(all);
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes));
    A read = provider.read(in);
    if (in.available() > 0) {
      return "reads fewer bytes than it wrote";
    }
    if (!Objects.equals(result(read), result(all))) {
      return differs("has another value after it was written and read", result(all), result(read));
    }
    A other = added(samples.subList(0, 3));
    byte[] before = bytes(other);
    A merged = provider.create();
    provider.merge(merged, other);
    provider.merge(merged, all);
    add(merged, samples);
    return Arrays.equals(before, bytes(other)) && Arrays.equals(bytes, bytes(all))
        ? null
        : "changes an aggregate that was merged into another";
  }

  private @Nullable String orderFault(List<Sample> samples) {
    Object expected = result(added(samples));
    List<Sample> order = new ArrayList<>(samples);
    Collections.reverse(order);
    for (int i = 0; i < order.size(); i++) {
      Collections.rotate(order, 3);
      Object other = result(added(order));
      if (!Objects.equals(expected, other)) {
        return differs("has another value in another order", expected, other);
      }
    }
    A merged = provider.create();
    provider.merge(merged, added(samples.subList(5, samples.size())));
    provider.merge(merged, provider.create());
    provider.merge(merged, added(samples.subList(0, 5)));
    return Objects.equals(expected, result(merged))
        ? null
        : differs("has another value when it is merged from parts", expected, result(merged));
  }

  private @Nullable String removalFault(List<Sample> samples) {
    List<Sample> kept = samples.subList(5, samples.size());
    A rest = added(samples);
    samples.subList(0, 5).forEach(s -> provider.remove(rest, s.value, s.timeMillis));
    Object expected = result(added(kept));
    return Objects.equals(expected, result(rest))
        ? null
        : differs("keeps something of values that were removed", expected, result(rest));
  }

  private static String differs(String what, @Nullable Object expected, @Nullable Object actual) {
    return what + ": " + actual + " instead of " + expected;
  }

  private A added(List<Sample> samples) {
    A aggregate = provider.create();
    add(aggregate, samples);
    return aggregate;
  }

  private void add(A aggregate, List<Sample> samples) {
    samples.forEach(s -> provider.add(aggregate, s.value, s.timeMillis));
  }

  private @Nullable Object result(A aggregate) {
    return function.checked(provider.result(aggregate, END_MILLIS, WINDOW_MILLIS));
  }

  private byte[] bytes(A aggregate) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    provider.write(aggregate, new DataOutputStream(bytes));
    return bytes.toByteArray();
  }
}
