/** Search space, campaign, comparison, recommendation. */
@NullMarked
package bestfit.tune;

import org.jspecify.annotations.NullMarked;
