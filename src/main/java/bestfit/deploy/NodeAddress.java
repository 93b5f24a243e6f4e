package bestfit.deploy;

import bestfit.config.ConfigException;
import java.net.URI;
import java.net.URISyntaxException;
import org.jspecify.annotations.Nullable;

/** Base URLs of a node, without a slash at the end, and what its ports ask to be shown. */
public record NodeAddress(String management, String inference, NodeTokens tokens) {
    private static final int INFERENCE_PORT = 5000;
    private static final int LAST_PORT = 65_535;

    /** One that asks for no token. */
    public NodeAddress(String management, String inference) {
        this(management, inference, NodeTokens.NONE);
    }

    /**
     * Reads what the user gave.
     *
     * @param inference null for port 5000 of the management API's host, as MLNode has it
     * @throws ConfigException on anything that is no http URL with a host
     */
    public static NodeAddress of(String management, @Nullable String inference) {
        var node = url("--node", management);
        if (inference != null) {
            return new NodeAddress(text(node), text(url("--inference", inference)));
        }
        return new NodeAddress(text(node), node.getScheme() + "://" + node.getHost() + ":" + INFERENCE_PORT);
    }

    public NodeAddress with(NodeTokens shown) {
        return new NodeAddress(management, inference, shown);
    }

    private static URI url(String option, String text) {
        try {
            var url = new URI(text.strip());
            if (url.getPort() > LAST_PORT) {
                throw new ConfigException(
                        option + ": " + text + " has port " + url.getPort() + "; 1 to " + LAST_PORT + " are allowed");
            }
            if (url.getHost() != null && ("http".equals(url.getScheme()) || "https".equals(url.getScheme()))) {
                return url;
            }
        } catch (URISyntaxException e) {
            // refused below, as any other text
        }
        throw new ConfigException(option + ": " + text + " is no URL; write it as http://HOST:PORT");
    }

    private static String text(URI url) {
        var text = url.toString();
        return text.endsWith("/") ? text.substring(0, text.length() - 1) : text;
    }
}
