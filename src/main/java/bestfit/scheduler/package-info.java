/** vLLM's scheduler, pure and clock-free: sequences, paged KV blocks, prefix cache. */
@NullMarked
package bestfit.scheduler;

import org.jspecify.annotations.NullMarked;
