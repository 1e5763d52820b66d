package dev.millrace.client;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Pauses end at once, and are known afterwards. */
final class FakePace implements Pace {

  private final List<Duration> pauses = new ArrayList<>();
  private long nanos;

  @Override
  public synchronized long nanos() {
    return nanos;
  }

  @Override
  public synchronized void pause(Duration time) {
    pauses.add(time);
    nanos += time.toNanos();
  }

  @Override
  public double chance() {
    return 0;
  }

  synchronized List<Long> pausesMillis() {
    return pauses.stream().map(Duration::toMillis).toList();
  }
}
