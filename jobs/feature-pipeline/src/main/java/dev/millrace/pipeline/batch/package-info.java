/** Sources whose rows come in batches: Parquet files and Iceberg tables, read as a stream. */
@NullMarked
package dev.millrace.pipeline.batch;

import org.jspecify.annotations.NullMarked;
