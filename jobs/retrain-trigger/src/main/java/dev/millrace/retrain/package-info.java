/** The job that turns drift and performance to retraining and rollout. */
@NullMarked
package dev.millrace.retrain;

import org.jspecify.annotations.NullMarked;
