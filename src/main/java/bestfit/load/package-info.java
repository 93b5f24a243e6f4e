/** The load generator: users that send requests and record what comes back. */
@NullMarked
package bestfit.load;

import org.jspecify.annotations.NullMarked;
