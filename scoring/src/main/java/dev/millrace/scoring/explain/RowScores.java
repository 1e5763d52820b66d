package dev.millrace.scoring.explain;

/** A model as whoever tries it out sees it. */
@FunctionalInterface
public interface RowScores {

  /** The score of each row; NaN where the model gives none. */
  double[] score(double[][] rows);
}
