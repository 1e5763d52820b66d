/** CEL expressions over the fields of an event, type-checked against its Avro schema. */
@NullMarked
package dev.millrace.core.expression;

import org.jspecify.annotations.NullMarked;
