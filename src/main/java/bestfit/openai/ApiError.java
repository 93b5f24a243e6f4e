package bestfit.openai;

import bestfit.config.Json;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * An error as vLLM answers it: {@code {"error":{"message","type","param","code"}}} where code is the HTTP status.
 *
 * @param type empty for what FastAPI answers by itself: {@code {"detail":message}}
 * @param param the field of the request at fault; null when there is none
 */
public record ApiError(
        int status, String type, String message, @Nullable String param) {
    public static ApiError badRequest(String message, @Nullable String param) {
        return new ApiError(400, "BadRequestError", message, param);
    }

    /** A field that may not be there so; vLLM names it behind the message. */
    public static ApiError badField(String message, String param) {
        return badRequest(message + " (parameter=" + param + ")", param);
    }

    /** The value of a field is outside of what is allowed; vLLM repeats both behind the message. */
    public static ApiError badValue(String message, String param, Object value) {
        return badRequest(message + " (parameter=" + param + ", value=" + value + ")", param);
    }

    /** The body's shape is wrong: pydantic's words. {@code kind} is its error type such as {@code missing}. */
    public static ApiError badShape(String kind, String location, String message) {
        return badShape("{'type': '" + kind + "', 'loc': '" + location + "', 'msg': '" + message + "'}", location);
    }

    private static ApiError badShape(String fault, @Nullable String location) {
        return new ApiError(400, "Bad Request", "1 validation error:\n  " + fault, location);
    }

    /** No JSON: what Python's parser says, and after how many characters. */
    static ApiError badJson(String message, int position) {
        return badShape(
                "{'type': 'json_invalid', 'loc': 'body." + position + "', 'msg': 'JSON decode error',"
                        + " 'input': '<dict of 0 items>', 'ctx': {'error': " + PythonText.quoted(message) + "}}",
                "body." + position);
    }

    /** A body that is announced as anything but JSON. */
    public static ApiError noJsonType() {
        return badShape("Unsupported Media Type: Only 'application/json' is allowed", null);
    }

    static ApiError unreadable() {
        return new ApiError(400, "", "There was an error parsing the body", null);
    }

    public static ApiError unknownModel(String model, String known) {
        return new ApiError(
                404,
                "NotFoundError",
                "The model `" + model + "` does not exist. Valid aliases: " + known + ".",
                "model");
    }

    public static ApiError internal(String message) {
        return new ApiError(500, "InternalServerError", message, null);
    }

    public ObjectNode json() {
        if (type.isEmpty()) {
            return Json.object().put("detail", message);
        }
        var error = Json.object();
        error.put("message", message).put("type", type).put("param", param).put("code", status);
        return Json.object().set("error", error);
    }
}
