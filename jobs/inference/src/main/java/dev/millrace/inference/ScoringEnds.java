package dev.millrace.inference;

import java.io.Serializable;
import java.util.concurrent.ExecutorService;

/** What scoring reaches besides its streams; tests bring their own. */
record ScoringEnds(
    FeatureReads.Factory features,
    DeploymentLog deployments,
    Announcements.Factory announcements,
    PredictionTimes predictionTimes,
    ModelLoader models,
    WaitClock clock,
    LoaderThreads threads)
    implements Serializable {

  /** Starts the thread on which a task's models are loaded. */
  interface LoaderThreads extends Serializable {
    ExecutorService start(String name, ClassLoader classLoader);
  }
}
