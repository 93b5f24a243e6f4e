package bestfit.openai;

import bestfit.config.Json;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.BooleanNode;

/** Reads which form an answer has to have; refuses what says none, several, or one that this engine has not. */
final class ConstraintReader {
    /** The kinds of constraint in {@code structured_outputs}, and its other fields with their defaults, in its order. */
    private static final List<String> KINDS =
            List.of("json", "regex", "choice", "grammar", "json_object", "structural_tag");

    private static final String OTHERS_BEFORE_TAG =
            "'disable_any_whitespace': False, 'disable_additional_properties': False, 'whitespace_pattern': None, ";

    private static final int MOST_NESTING = 64;

    private ConstraintReader() {}

    /** @return null for a free answer */
    static @Nullable Constraint read(BodyReader body) {
        var given = new LinkedHashMap<String, JsonNode>();
        var outputs = body.get("structured_outputs");
        if (outputs != null) {
            for (var kind : KINDS) {
                if (outputs.hasNonNull(kind)) {
                    given.put(kind, outputs.get(kind));
                }
            }
        }
        boolean told = outputs != null;
        var format = body.get("response_format");
        if (format != null) {
            told |= addFormat(format, given);
        }
        return told ? only(given, body.flag("stream", false)) : guided(body);
    }

    /** What {@code response_format} says comes before {@code structured_outputs}; true if it says anything. */
    private static boolean addFormat(JsonNode format, Map<String, JsonNode> given) {
        switch (format.path("type").asString("")) {
            case "json_object" -> given.put("json_object", BooleanNode.TRUE);
            case "json_schema" -> {
                given.remove("json");
                var schema = format.path("json_schema").path("schema");
                if (!schema.isMissingNode() && !schema.isNull()) {
                    given.put("json", schema);
                }
            }
            case "structural_tag" -> throw unsupported("response_format of type structural_tag", "response_format");
            default -> {
                return false;
            }
        }
        return true;
    }

    /** What its one kind says is looked at by vLLM's engine: of a stream the head is written by then. */
    private static Constraint only(Map<String, JsonNode> given, boolean stream) {
        if (given.size() != 1) {
            throw refuse("You " + (given.isEmpty() ? "must" : "can only")
                    + " use one kind of structured outputs constraint but " + (given.isEmpty() ? "none" : "multiple")
                    + " are specified: " + asPython(given));
        }
        var one = given.entrySet().iterator().next();
        try {
            return constraint(one.getKey(), one.getValue());
        } catch (ApiException refused) {
            throw stream ? refused.inStream() : refused;
        }
    }

    private static String asPython(Map<String, JsonNode> given) {
        var fields = new ArrayList<String>();
        for (var kind : KINDS) {
            var value = given.get(kind);
            fields.add((kind.equals("structural_tag") ? OTHERS_BEFORE_TAG : "") + "'" + kind + "': "
                    + (value == null ? "None" : PythonText.repr(value)));
        }
        return "{" + String.join(", ", fields) + ", '_backend': None, '_backend_was_auto': False}";
    }

    private static Constraint constraint(String kind, JsonNode value) {
        return switch (kind) {
            case "json" -> new Constraint.JsonSchema(schema(value));
            case "regex" -> regex(value.asString(""));
            case "choice" -> choice(value);
            case "json_object" -> jsonObject(value);
            default -> {
                if (value.asString("").isBlank()) {
                    throw refuse("structured_outputs." + kind + " cannot be an empty string");
                }
                throw unsupported("structured_outputs." + kind, "structured_outputs");
            }
        };
    }

    private static Constraint jsonObject(JsonNode value) {
        if (!FieldType.flag(value).orElse(true)) {
            throw refuse("structured_outputs.json_object must be True if set; omit structured_outputs to disable"
                    + " structured outputs");
        }
        return new Constraint.JsonObject();
    }

    private static Constraint regex(String pattern) {
        if (pattern.indexOf('\0') >= 0) {
            throw refuse("structured_outputs.regex must not contain a NUL character ('\\x00')");
        }
        return new Constraint.Regex(pattern);
    }

    private static Constraint choice(JsonNode texts) {
        if (texts.isEmpty()) {
            throw refuse("Choice '[]' cannot be an empty list");
        }
        return new Constraint.Choice(
                texts.valueStream().map(text -> text.asString("")).toList());
    }

    private static JsonNode schema(JsonNode value) {
        var schema = value;
        if (value.isString()) {
            if (value.stringValue().isBlank()) {
                throw refuse("structured_outputs.json cannot be an empty string");
            }
            try {
                schema = Json.parse(value.stringValue());
            } catch (JacksonException noJson) {
                throw refuse("Invalid JSON grammar specification.");
            }
        }
        if (isDeeper(schema, MOST_NESTING)) {
            throw refuse("The JSON schema is nested too deeply: objects and arrays may nest at most " + MOST_NESTING
                    + " levels");
        }
        return schema;
    }

    private static boolean isDeeper(JsonNode node, int levels) {
        return node.isContainer() && (levels == 0 || node.valueStream().anyMatch(inner -> isDeeper(inner, levels - 1)));
    }

    private static @Nullable Constraint guided(BodyReader body) {
        for (var kind : KINDS) {
            var value = body.get("guided_" + kind);
            if (value != null) {
                boolean fits = switch (kind) {
                    case "json" -> value.isContainer() || value.isString();
                    case "choice" -> value.isArray();
                    case "json_object" -> value.isBoolean();
                    default -> value.isString();
                };
                if (!fits) {
                    throw new ApiException(ApiError.badField(
                            "guided_" + kind + " has a value of the wrong type: " + PythonText.summary(value),
                            "guided_" + kind));
                }
                return new Constraint.Guided(constraint(kind, value));
            }
        }
        return null;
    }

    private static ApiException unsupported(String what, String field) {
        return new ApiException(ApiError.badField(what + " is not supported by the embedded engine", field));
    }

    private static ApiException refuse(String message) {
        return new ApiException(ApiError.badRequest(message, null));
    }
}
