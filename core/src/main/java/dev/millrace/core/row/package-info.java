/** Feature rows as they leave the pipeline: positions, versions, text forms. */
@NullMarked
package dev.millrace.core.row;

import org.jspecify.annotations.NullMarked;
