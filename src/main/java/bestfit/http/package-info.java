/** Every socket of the program: server, router, streaming client, relay. */
@NullMarked
package bestfit.http;

import org.jspecify.annotations.NullMarked;
