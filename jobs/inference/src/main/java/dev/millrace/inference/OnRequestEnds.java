package dev.millrace.inference;

import java.util.function.LongSupplier;

/** What scoring on request reaches; tests bring their own. */
record OnRequestEnds(
    FeatureReads.Factory features,
    ModelLoader models,
    ScoringEnds.LoaderThreads threads,
    WaitClock clock,
    LongSupplier nowMillis) {}
