/** What is sent: prompts, their lengths, experiments, and the YAML that describes them. */
@NullMarked
package bestfit.workload;

import org.jspecify.annotations.NullMarked;
