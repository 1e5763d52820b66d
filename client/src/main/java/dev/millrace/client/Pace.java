package dev.millrace.client;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/** How time passes between tries. */
interface Pace {

  long nanos();

  void pause(Duration time) throws InterruptedException;

  /** From 0 to 1: what part of a pause is left out, so that many clients do not come together. */
  double chance();

  Pace REAL =
      new Pace() {
        @Override
        public long nanos() {
          return System.nanoTime();
        }

        @Override
        public void pause(Duration time) throws InterruptedException {
          Thread.sleep(time.toMillis());
        }

        @Override
        public double chance() {
          return ThreadLocalRandom.current().nextDouble();
        }
      };

  /** A pause that doubles each time, up to a bound. */
  default Duration doubled(Duration first, Duration most, int times) {
    long millis = first.toMillis() << Math.min(times, 20);
    long bounded = Math.min(millis, most.toMillis());
    return Duration.ofMillis((long) (bounded * (1 - chance() / 2)));
  }
}
