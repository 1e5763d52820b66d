package dev.millrace.streaming;

import org.jspecify.annotations.Nullable;

/** What one Kafka record became: an event, or a dead letter; exactly one of the two is set. */
public record Inbound(@Nullable Event event, @Nullable DeadLetter letter) {

  static Inbound of(Event event) {
    return new Inbound(event, null);
  }

  static Inbound of(DeadLetter letter) {
    return new Inbound(null, letter);
  }
}
