package dev.millrace.scoring.explain;

import java.util.ArrayList;
import java.util.List;

/** A weighted sum of the inputs. */
record LinearForm(double[] weights, double intercept, Contributions.Unit unit)
    implements ModelForm {

  @Override
  public double margin(double[] row) {
    double sum = intercept;
    for (int i = 0; i < weights.length; i++) {
      sum += weights[i] * (float) row[i];
    }
    return sum;
  }

  @Override
  public Contributions contributions(double[] row, double[][] background) {
    List<Double> values = new ArrayList<>(weights.length);
    double base = intercept;
    for (int i = 0; i < weights.length; i++) {
      double mean = 0;
      for (double[] other : background) {
        mean += (float) other[i];
      }
      mean /= background.length;
      base += weights[i] * mean;
      values.add(weights[i] * ((float) row[i] - mean));
    }
    return new Contributions(
        Contributions.Method.LINEAR, unit, base, margin(row), values, null, background.length);
  }
}
