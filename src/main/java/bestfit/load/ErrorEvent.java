package bestfit.load;

import bestfit.config.Json;
import bestfit.http.ErrorText;
import tools.jackson.core.JacksonException;

/** The JSON of an error, be it an event or a whole answer. */
final class ErrorEvent {
    private ErrorEvent() {}

    /** Whether an event itself has an error, and not something in its choices. */
    static boolean tells(String event) {
        try {
            var json = Json.parse(event);
            return json.path("error").isObject()
                    || json.path("error").isString()
                    || json.path("object").asString("").equals("error");
        } catch (JacksonException notJson) {
            return false;
        }
    }

    /** The message of an error's JSON in the shapes of OpenAI, vLLM and FastAPI; the text itself where it is none. */
    static String messageOf(String text) {
        try {
            var json = Json.parse(text);
            for (var pointer : new String[] {"/error/message", "/message", "/detail", "/error"}) {
                var found = json.at(pointer);
                if (found.isString()) {
                    return ErrorText.oneLine(found.asString());
                }
            }
        } catch (JacksonException notJson) {
            // then it is told as it is
        }
        return ErrorText.oneLine(text);
    }
}
