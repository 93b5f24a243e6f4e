/** What a server has: devices, their memory, how they are connected. */
@NullMarked
package bestfit.hardware;

import org.jspecify.annotations.NullMarked;
