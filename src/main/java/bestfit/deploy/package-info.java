/** The client side of a node: deploy, wait, verify, restore. */
@NullMarked
package bestfit.deploy;

import org.jspecify.annotations.NullMarked;
