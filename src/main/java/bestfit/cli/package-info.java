/** Commands; wires everything by hand. */
@NullMarked
package bestfit.cli;

import org.jspecify.annotations.NullMarked;
