/** A workload through scheduler and step-time model in virtual time. */
@NullMarked
package bestfit.simulate;

import org.jspecify.annotations.NullMarked;
