/** Clocks, and units of work that look at them. */
@NullMarked
package bestfit.time;

import org.jspecify.annotations.NullMarked;
