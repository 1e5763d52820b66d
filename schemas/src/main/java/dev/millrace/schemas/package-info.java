/** What goes over the wire: Avro schemas, the Confluent wire format, the schema registry. */
@NullMarked
package dev.millrace.schemas;

import org.jspecify.annotations.NullMarked;
