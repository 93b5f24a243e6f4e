/** The embedded engine: vLLM's HTTP API over the scheduler and an executor. */
@NullMarked
package bestfit.engine;

import org.jspecify.annotations.NullMarked;
