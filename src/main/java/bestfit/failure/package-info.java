/** Kinds of failure, and the classifier that turns log lines and behaviour into one of them. */
@NullMarked
package bestfit.failure;

import org.jspecify.annotations.NullMarked;
