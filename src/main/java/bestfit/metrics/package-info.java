/** Raw measurements of requests and the definition of every metric. */
@NullMarked
package bestfit.metrics;

import org.jspecify.annotations.NullMarked;
