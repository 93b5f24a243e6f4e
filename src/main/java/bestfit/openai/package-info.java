/** Wire records of vLLM's OpenAI API. */
@NullMarked
package bestfit.openai;

import org.jspecify.annotations.NullMarked;
