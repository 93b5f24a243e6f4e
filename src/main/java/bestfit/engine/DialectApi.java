package bestfit.engine;

import bestfit.config.Json;
import bestfit.http.Exchange;
import bestfit.openai.AnswerDialect;
import bestfit.openai.ApiException;
import bestfit.openai.GenerationRequest;
import bestfit.openai.MessagesAnswer;
import bestfit.openai.MessagesReader;
import bestfit.openai.RequestReader;
import bestfit.openai.ResponsesAnswer;
import bestfit.openai.ResponsesReader;
import java.util.function.Supplier;
import tools.jackson.databind.JsonNode;

/** Anthropic's messages and OpenAI's responses, which vLLM serves beside chat. Thread-safe. */
final class DialectApi {
    private final EngineApi api;
    private final EngineServer.Parts parts;
    private final EngineCore core;

    DialectApi(EngineApi api, EngineServer.Parts parts, EngineCore core) {
        this.api = api;
        this.parts = parts;
        this.core = core;
    }

    void messages(Exchange exchange) throws InterruptedException {
        api.serve(exchange, () -> {
            var chat = MessagesReader.request(EngineApi.json(exchange));
            return inAnthropicsWords(() -> {
                var request = chat(chat);
                var unique = api.newId();
                var id = "chatcmpl-" + exchange.header("X-Request-Id").orElse(unique);
                var head = AnswerHead.of(parts, request, id);
                boolean tellsCache = parts.config().args().given().containsKey("enable_prompt_tokens_details");
                return answer(request, order(unique, request), new MessagesAnswer(id, head.model(), tellsCache));
            });
        });
    }

    void countTokens(Exchange exchange) {
        var chat = MessagesReader.count(EngineApi.json(exchange));
        int count = inAnthropicsWords(
                () -> parts.orders().tokens(chat(chat).prompts().getFirst()).length);
        var answer = Json.object().put("input_tokens", count);
        answer.putObject("context_management").put("original_input_tokens", count);
        exchange.json(200, answer);
    }

    private GenerationRequest chat(JsonNode body) {
        return RequestReader.chat(body, api::checkModel, parts.orders().defaults());
    }

    /** What is refused once the body has its shape comes in Anthropic's form. */
    private static <T> T inAnthropicsWords(Supplier<T> work) {
        try {
            return work.get();
        } catch (ApiException refused) {
            var error = refused.error();
            var events = refused.events() == null ? null : MessagesAnswer.event(error);
            throw new ApiException(error, MessagesAnswer.refusal(error), events);
        }
    }

    void responses(Exchange exchange) throws InterruptedException {
        api.serve(exchange, () -> {
            var body = ResponsesReader.body(EngineApi.json(exchange));
            api.checkModel(body.text("model"));
            ResponsesReader.refuseKept(body);
            var unique = api.newId();
            GenerationRequest request;
            EngineRequest.Order order;
            try {
                request = ResponsesReader.request(body, parts.orders().defaults());
                order = order(unique, request);
            } catch (ApiException refused) {
                // There a stream would begin and break off, which tells nobody why.
                throw new ApiException(refused.error());
            }
            var asked = body.text("request_id");
            var head = AnswerHead.of(parts, request, asked == null ? "resp_" + unique : asked);
            var frame = new ResponsesAnswer.Frame(
                    head.id(),
                    "msg_" + api.newId(),
                    head.created(),
                    head.model(),
                    body.whole(),
                    request.options(),
                    order.sampling().temperature(),
                    order.limits().maxTokens());
            return answer(request, order, new ResponsesAnswer(frame));
        });
    }

    /** No response is kept, as in vLLM unless it is told to. */
    void kept(Exchange exchange) {
        throw new ApiException(ResponsesReader.notFound(exchange.pathValue("response_id")));
    }

    private EngineRequest.Order order(String unique, GenerationRequest request) {
        return parts.orders().make(unique, request).getFirst();
    }

    private RequestAnswer answer(GenerationRequest request, EngineRequest.Order order, AnswerDialect dialect) {
        api.refuseIfDead();
        return new DialectAnswer(parts, core, request, order, dialect);
    }
}
