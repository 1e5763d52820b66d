package dev.millrace.registry.transfer;

/**
 * What an import may bring.
 *
 * @param fileBytes as it is sent
 * @param textBytes when it is unpacked
 * @param lineBytes of a line of it
 * @param stateBytes of memory for what is folded of it
 */
public record TransferLimits(long fileBytes, long textBytes, int lineBytes, long stateBytes) {

  private static final long GIB = 1L << 30;
  private static final int LINE_BYTES = 8 * 1024 * 1024;

  /**
   * Those of a registry.
   *
   * @param stateBytes of memory for tracking, as it is limited elsewhere too
   */
  public static TransferLimits of(long stateBytes) {
    return new TransferLimits(4 * GIB, 64 * GIB, LINE_BYTES, stateBytes);
  }
}
