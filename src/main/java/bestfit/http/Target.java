package bestfit.http;

import io.netty.handler.codec.http.QueryStringDecoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** A request target: path and query. */
final class Target {
    private static final Pattern STRAY_PERCENT = Pattern.compile("%(?![0-9A-Fa-f]{2})");

    private final String rawPath;
    private final String rawQuery;

    /** @param target origin form ({@code /a?b=c}) or absolute form ({@code http://host/a?b=c}) */
    Target(String target) {
        int from = 0;
        if (!target.startsWith("/")) {
            int scheme = target.indexOf("://");
            int slash = scheme < 0 ? -1 : target.indexOf('/', scheme + 3);
            from = scheme < 0 ? 0 : slash < 0 ? target.length() : slash;
        }
        int mark = target.indexOf('?', from);
        String path = target.substring(from, mark < 0 ? target.length() : mark);
        rawPath = path.isEmpty() ? "/" : path;
        rawQuery = mark < 0 ? "" : target.substring(mark);
    }

    /** The path, percent-decoded; a percent sign that begins no byte stands for itself, as in Python. */
    String path() {
        return decode(rawPath);
    }

    /** Path and query as sent, without a scheme and host. */
    String originForm() {
        return rawPath + rawQuery;
    }

    /** Path and query with a slash more or less at the path's end; never the start of an address of another host. */
    String otherSlash() {
        String path = rawPath.endsWith("/") ? rawPath.substring(0, rawPath.length() - 1) : rawPath + "/";
        return "/" + path.replaceFirst("^/+", "") + rawQuery;
    }

    /** The path's segments after the first slash, each percent-decoded, so that an encoded slash stays inside its one. */
    List<String> segments() {
        return List.of(rawPath.substring(1).split("/", -1)).stream()
                .map(Target::decode)
                .toList();
    }

    /** @return the first value of the parameter, decoded */
    Optional<String> query(String name) {
        List<String> values =
                new QueryStringDecoder(literal(rawQuery)).parameters().get(name);
        return values == null ? Optional.empty() : Optional.of(values.getFirst());
    }

    /** False when a percent sign is followed by anything but two hex digits, or with a control character. */
    boolean isWellFormed() {
        if (hasControl(rawPath) || hasControl(rawQuery)) {
            return false; // what reads it next may take a bare CR for a line's end
        }
        return !STRAY_PERCENT.matcher(rawPath).find();
    }

    private static boolean hasControl(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) < ' ' || text.charAt(i) == 0x7F) {
                return true;
            }
        }
        return false;
    }

    private static String decode(String raw) {
        return raw.indexOf('%') < 0
                ? raw
                : QueryStringDecoder.decodeComponent(literal(raw).replace("+", "%2B"), StandardCharsets.UTF_8);
    }

    private static String literal(String raw) {
        return STRAY_PERCENT.matcher(raw).replaceAll("%25");
    }
}
