package dev.millrace.bench;

import java.util.ArrayList;
import java.util.List;

/** How many guarded commands Redis had got at each look. */
final class CatchUp {

  private static final double FROM_SHARE = 0.25;
  private static final double TO_SHARE = 0.97;

  private final List<double[]> looks = new ArrayList<>();

  void add(long nanos, long commands) {
    looks.add(new double[] {nanos / 1e9, commands});
  }

  double commands() {
    return looks.get(looks.size() - 1)[1];
  }

  /**
   * Events a second in equal parts of the way, without its beginning, in which the job warms up.
   *
   * @param events of the whole way
   */
  Samples pace(long events, int parts) {
    double[] paces = new double[parts];
    double whole = commands();
    double step = (TO_SHARE - FROM_SHARE) / parts;
    for (int i = 0; i < parts; i++) {
      double[] from = reached(whole * (FROM_SHARE + i * step));
      double[] to = reached(whole * (FROM_SHARE + (i + 1) * step));
      paces[i] = (to[1] - from[1]) / whole * events / (to[0] - from[0]);
    }
    return new Samples(paces);
  }

  private double[] reached(double commands) {
    for (double[] look : looks) {
      if (look[1] >= commands) {
        return look;
      }
    }
    return looks.get(looks.size() - 1);
  }
}
