/** Whether rows as served are what their definition gives over the archive. */
@NullMarked
package dev.millrace.drift.audit;

import org.jspecify.annotations.NullMarked;
