/** What scoring decides: prediction ids, freshness, decisions, deployments. */
@NullMarked
package dev.millrace.core.model;

import org.jspecify.annotations.NullMarked;
