package bestfit.load;

import bestfit.config.Json;
import bestfit.workload.Conversation;
import bestfit.workload.ConversationSource;
import bestfit.workload.Sampling;
import bestfit.workload.Workload;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/**
 * The bodies that {@code bestfit bench} sends for a workload: streamed, with usage.
 *
 * @param usagePerChunk asks for the tokens so far with every event
 */
public record BenchBody(String model, Workload workload, ConversationSource conversations, boolean usagePerChunk)
        implements Dialogue.Source {
    @Override
    public Dialogue dialogue(int number, int firstIndex) {
        var conversation = conversations.conversation(number);
        var only = conversation.turns().getFirst();
        return conversation.turns().size() > 1
                ? new Several(conversation, firstIndex)
                : Dialogue.single(
                        bytes(workload.chat() ? chat(only, firstIndex) : text(only, firstIndex)), exact(only));
    }

    private int exact(Conversation.Turn turn) {
        return workload.exactOutput() ? turn.outputTokens() : 0;
    }

    private String chat(Conversation.Turn turn, int index) {
        return head() + user(turn) + tail(turn, index);
    }

    private String text(Conversation.Turn turn, int index) {
        var body = Json.object().put("model", model).put("prompt", turn.message());
        return Json.write(options(body, turn, index));
    }

    private String head() {
        return "{\"model\":" + Json.write(model) + ",\"messages\":[";
    }

    private static String user(Conversation.Turn turn) {
        return "{\"role\":\"user\",\"content\":" + Json.write(turn.message()) + "}";
    }

    private String tail(Conversation.Turn turn, int index) {
        return "]," + Json.write(options(Json.object(), turn, index)).substring(1);
    }

    private ObjectNode options(ObjectNode body, Conversation.Turn turn, int index) {
        Sampling sampling = workload.sampling();
        body.put("max_tokens", turn.outputTokens())
                .put("temperature", sampling.temperature())
                .put("stream", true);
        var streaming = body.putObject("stream_options").put("include_usage", true);
        if (usagePerChunk) {
            streaming.put("continuous_usage_stats", true);
        }
        if (workload.exactOutput()) {
            body.put("ignore_eos", true);
        }
        sampling.topP().ifPresent(value -> body.put("top_p", value));
        sampling.topK().ifPresent(value -> body.put("top_k", value));
        sampling.minP().ifPresent(value -> body.put("min_p", value));
        sampling.seed().ifPresent(value -> body.put("seed", value + index));
        sampling.logprobs().ifPresent(count -> {
            if (workload.chat()) {
                body.put("logprobs", true).put("top_logprobs", count);
            } else {
                body.put("logprobs", count);
            }
        });
        return body;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** A conversation whose later requests hold the answers that were given. */
    final class Several implements Dialogue {
        private static final byte[] BEFORE_ANSWER = bytes(",{\"role\":\"assistant\",\"content\":\"");
        private static final byte[] AFTER_ANSWER = bytes("\"},");

        private final Conversation conversation;
        private final int firstIndex;

        Several(Conversation conversation, int firstIndex) {
            this.conversation = conversation;
            this.firstIndex = firstIndex;
        }

        @Override
        public int turns() {
            return conversation.turns().size();
        }

        @Override
        public byte[] body(int turn, List<byte[]> answers) {
            var body = new ByteArrayOutputStream(1024);
            body.writeBytes(bytes(head()));
            for (int before = 0; before < turn; before++) {
                body.writeBytes(bytes(user(conversation.turns().get(before))));
                body.writeBytes(BEFORE_ANSWER);
                body.writeBytes(answers.get(before));
                body.writeBytes(AFTER_ANSWER);
            }
            var asked = conversation.turns().get(turn);
            body.writeBytes(bytes(user(asked) + tail(asked, firstIndex + turn)));
            return body.toByteArray();
        }

        @Override
        public int exactTokens(int turn) {
            return exact(conversation.turns().get(turn));
        }
    }
}
