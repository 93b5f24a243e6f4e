/** A model's architecture, its sizes, its tokenizer. */
@NullMarked
package bestfit.model;

import org.jspecify.annotations.NullMarked;
