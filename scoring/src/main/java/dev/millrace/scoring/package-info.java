/** ONNX models behind a small interface; the only code that loads native libraries. */
@NullMarked
package dev.millrace.scoring;

import org.jspecify.annotations.NullMarked;
