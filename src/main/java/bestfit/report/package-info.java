/** Results as terminal tables and JSON. */
@NullMarked
package bestfit.report;

import org.jspecify.annotations.NullMarked;
