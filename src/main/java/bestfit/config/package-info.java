/** Reads YAML, JSON and flags into records; collects every problem and throws once. */
@NullMarked
package bestfit.config;

import org.jspecify.annotations.NullMarked;
