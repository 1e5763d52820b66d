package dev.millrace.registry.journal;

/** How far a process has read what was decided, by itself or by others. */
@FunctionalInterface
public interface Progress {

  /** Whether all is known that was said before this process began. */
  boolean isCaughtUp();

  /**
   * Waits until all is known that was decided before this call, whoever decided it. Where there is
   * one process alone it knows what it has answered.
   *
   * @throws UnansweredException where that takes too long
   */
  default void catchUp() throws InterruptedException {}
}
