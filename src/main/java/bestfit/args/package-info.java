/** vLLM's command-line arguments, layouts and deployment configs. */
@NullMarked
package bestfit.args;

import org.jspecify.annotations.NullMarked;
