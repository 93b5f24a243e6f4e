/** The load generator. */
@NullMarked
package bestfit.load;

import org.jspecify.annotations.NullMarked;
