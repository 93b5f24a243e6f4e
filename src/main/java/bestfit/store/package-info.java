/** Experiments, trials and campaigns in SQLite. */
@NullMarked
package bestfit.store;

import org.jspecify.annotations.NullMarked;
