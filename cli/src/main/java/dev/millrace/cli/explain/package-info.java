/** What a project costs, said before it runs. */
@NullMarked
package dev.millrace.cli.explain;

import org.jspecify.annotations.NullMarked;
