/** Wire records of the node's management API. */
@NullMarked
package bestfit.mlnode;

import org.jspecify.annotations.NullMarked;
