/** Which texts an answer may be: choices, regular expressions and JSON schemas, followed byte by byte. */
@NullMarked
package bestfit.grammar;

import org.jspecify.annotations.NullMarked;
