package bestfit.grammar;

import java.util.Map;
import tools.jackson.databind.JsonNode;

/** A JSON schema's strings: of a pattern, of a format, or of a length. */
final class StringSchema {
    private static final String OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
    private static final String DATE = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])";
    private static final String TIME =
            "([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\\.[0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";
    private static final String TIME_SPAN = "T([0-9]+H([0-9]+M([0-9]+S)?)?|[0-9]+M([0-9]+S)?|[0-9]+S)";
    private static final String DATE_SPAN = "([0-9]+Y([0-9]+M([0-9]+D)?)?|[0-9]+M([0-9]+D)?|[0-9]+D)";
    private static final String LABEL = "[0-9A-Za-z]([0-9A-Za-z-]{0,61}[0-9A-Za-z])?";
    private static final String HOST = LABEL + "(\\." + LABEL + ")*";
    private static final String MAILBOX = "[0-9A-Za-z!#$%&'*+/=?^_`{|}~-]+";
    private static final String H16 = "[0-9A-Fa-f]{1,4}";
    private static final String HEX = "[0-9A-Fa-f]";
    private static final String URI_CHARACTER = "(%[0-9A-Fa-f]{2}|[A-Za-z0-9._~:/?#@!$&'()*+,;=-])";
    private static final String SCHEME = "[A-Za-z][A-Za-z0-9+.-]*:";
    private static final String VARIABLE = "[A-Za-z0-9_]+(:[0-9]{1,4}|\\*)?";
    private static final String POINTER = "(/([^~/]|~[01])*)*";

    /** RFC 3339, 5321, 1123, 2673, 4291, 4122, 3986, 6570 and 6901, without what no answer needs. */
    private static final Map<String, String> FORMATS = Map.ofEntries(
            Map.entry("date", DATE),
            Map.entry("time", TIME),
            Map.entry("date-time", DATE + "T" + TIME),
            Map.entry("duration", "P([0-9]+W|" + DATE_SPAN + "(" + TIME_SPAN + ")?|" + TIME_SPAN + ")"),
            Map.entry("email", MAILBOX + "(\\." + MAILBOX + ")*@" + HOST),
            Map.entry("hostname", HOST),
            Map.entry("ipv4", OCTET + "(\\." + OCTET + "){3}"),
            Map.entry("ipv6", "(" + H16 + ":){7}" + H16 + "|(" + H16 + "(:" + H16 + "){0,5})?::(" + H16 + ")?"),
            Map.entry("uuid", HEX + "{8}-" + HEX + "{4}-" + HEX + "{4}-" + HEX + "{4}-" + HEX + "{12}"),
            Map.entry("uri", SCHEME + URI_CHARACTER + "+"),
            Map.entry("uri-reference", "(" + SCHEME + ")?" + URI_CHARACTER + "*"),
            Map.entry(
                    "uri-template",
                    "(" + URI_CHARACTER + "|\\{[+#./;?&=,!@|]?" + VARIABLE + "(," + VARIABLE + ")*\\})*"),
            Map.entry("json-pointer", POINTER),
            Map.entry("relative-json-pointer", "(0|[1-9][0-9]*)(#|" + POINTER + ")"));

    private StringSchema() {}

    static Form form(JsonNode schema) throws GrammarException {
        int least = SchemaReader.count(schema, "minLength", 0);
        int most = SchemaReader.count(schema, "maxLength", Form.NO_LIMIT);
        boolean counted = schema.has("minLength") || schema.has("maxLength");
        if (least > most) {
            throw new GrammarException("minLength " + least + " is greater than maxLength " + most);
        }
        if (counted && (schema.has("pattern") || schema.has("format"))) {
            throw new GrammarException("minLength and maxLength are not supported beside pattern or format");
        }
        if (schema.has("pattern")) {
            return JsonForms.quoted(
                    RegexReader.readInJson(schema.path("pattern").asString("")));
        }
        if (schema.has("format")) {
            return JsonForms.quoted(
                    RegexReader.readInJson(format(schema.path("format").asString(""))));
        }
        return counted ? JsonForms.quoted(new Form.Repeat(JsonForms.PLAIN.form(), least, most)) : JsonForms.STRING;
    }

    private static String format(String name) throws GrammarException {
        var regex = FORMATS.get(name);
        if (regex == null) {
            throw new GrammarException("Unknown format: " + name);
        }
        return regex;
    }
}
