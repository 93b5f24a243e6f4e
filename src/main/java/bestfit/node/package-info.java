/** The MLNode-compatible daemon: management API, process supervisor, balancer. */
@NullMarked
package bestfit.node;

import org.jspecify.annotations.NullMarked;
