@NullMarked
package dev.millrace.registry.mlflow;

import org.jspecify.annotations.NullMarked;
