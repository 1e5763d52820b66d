/** MLflow's REST interface: its requests, its errors and its words. */
@NullMarked
package dev.millrace.registry.mlflow;

import org.jspecify.annotations.NullMarked;
