package dev.millrace.trainer;

import java.util.function.IntBinaryOperator;

/** A stable merge sort of row numbers, for columns that are sorted together without boxing. */
final class IndexSort {

  /** The rows 0 … size-1 in ascending order. */
  static int[] order(int size, IntBinaryOperator compare) {
    int[] from = new int[size];
    for (int i = 0; i < size; i++) {
      from[i] = i;
    }
    int[] to = new int[size];
    for (int width = 1; width > 0 && width < size; width *= 2) {
      for (int start = 0; start < size; start += 2 * width) {
        merge(from, to, start, Math.min(start + width, size), width, compare);
        if (start > size - 2 * width) {
          break;
        }
      }
      int[] swap = from;
      from = to;
      to = swap;
    }
    return from;
  }

  private static void merge(
      int[] from, int[] to, int start, int middle, int width, IntBinaryOperator compare) {
    int end = (int) Math.min((long) middle + width, from.length);
    int left = start;
    int right = middle;
    // Rows that came in order, as most do, are only copied.
    if (right == end || compare.applyAsInt(from[right - 1], from[right]) <= 0) {
      System.arraycopy(from, start, to, start, end - start);
      return;
    }
    for (int i = start; i < end; i++) {
      boolean takeLeft =
          left < middle && (right == end || compare.applyAsInt(from[left], from[right]) <= 0);
      to[i] = takeLeft ? from[left++] : from[right++];
    }
  }

  private IndexSort() {}
}
