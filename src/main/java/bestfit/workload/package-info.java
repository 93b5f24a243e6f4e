/** What is sent: prompts, lengths, arrivals. */
@NullMarked
package bestfit.workload;

import org.jspecify.annotations.NullMarked;
