package dev.millrace.scoring;

import java.util.Locale;

/**
 * A place where models are computed.
 *
 * @param number of the GPU among those that the process sees; 0 for the CPU
 */
public record ComputeDevice(ExecutionProvider provider, int number) {

  public static final ComputeDevice CPU = new ComputeDevice(ExecutionProvider.CPU, 0);

  /** Such as {@code cpu} or {@code cuda:0}. */
  @Override
  public String toString() {
    String name = provider.name().toLowerCase(Locale.ROOT);
    return provider == ExecutionProvider.CPU ? name : name + ":" + number;
  }
}
