/** Whether a model is trained again, and why not: alarms, episodes, requests. */
@NullMarked
package dev.millrace.core.retrain;

import org.jspecify.annotations.NullMarked;
