/**
 * The catalogue of models: what people say about models and versions, beside their life of which
 * {@link dev.millrace.core.lifecycle} decides.
 */
@NullMarked
package dev.millrace.core.catalog;

import org.jspecify.annotations.NullMarked;
