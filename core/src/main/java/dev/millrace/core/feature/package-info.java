/** Windows over the events of one entity, and the rows they give. */
@NullMarked
package dev.millrace.core.feature;

import org.jspecify.annotations.NullMarked;
