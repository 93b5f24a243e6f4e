/** What a config needs and does: memory model, step-time model, calibration, intervals. Pure. */
@NullMarked
package bestfit.perf;

import org.jspecify.annotations.NullMarked;
