package bestfit.workload;

import java.util.ArrayList;
import java.util.List;

/** Reads the first column of a CSV text (RFC 4180: quotes, doubled quotes, line breaks within quotes). */
final class CsvColumn {
    private final String text;
    private int at;

    private CsvColumn(String text) {
        this.text = text;
    }

    /** The first value of every row that is not empty. */
    static List<String> firstOf(String text) {
        var reader = new CsvColumn(text.startsWith("\uFEFF") ? text.substring(1) : text);
        var found = new ArrayList<String>();
        while (reader.at < text.length() && reader.more()) {
            var first = reader.value();
            if (!first.isEmpty()) {
                found.add(first);
            }
            while (reader.more() && reader.text.charAt(reader.at) == ',') {
                reader.at++;
                reader.value();
            }
            reader.skipLineBreak();
        }
        return found;
    }

    private boolean more() {
        return at < text.length();
    }

    private String value() {
        return more() && text.charAt(at) == '"' ? quoted() : plain();
    }

    private String plain() {
        int from = at;
        while (more() && ",\r\n".indexOf(text.charAt(at)) < 0) {
            at++;
        }
        return text.substring(from, at);
    }

    private String quoted() {
        var value = new StringBuilder();
        at++;
        while (more()) {
            char next = text.charAt(at++);
            if (next != '"') {
                value.append(next);
            } else if (more() && text.charAt(at) == '"') {
                value.append('"');
                at++;
            } else {
                break;
            }
        }
        return value + plain();
    }

    private void skipLineBreak() {
        if (more() && text.charAt(at) == '\r') {
            at++;
        }
        if (more() && text.charAt(at) == '\n') {
            at++;
        }
    }
}
