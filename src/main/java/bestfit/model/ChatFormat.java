package bestfit.model;

import java.util.List;

/** How a conversation becomes a prompt: the meaning of the model family's chat template. */
enum ChatFormat {
    /** Qwen: {@code <|im_start|>role\ncontent<|im_end|>\n}. */
    CHATML {
        @Override
        void turn(StringBuilder prompt, String role, String content) {
            opening(prompt, role);
            prompt.append(content).append("<|im_end|>\n");
        }

        @Override
        void opening(StringBuilder prompt, String role) {
            prompt.append("<|im_start|>").append(role).append('\n');
        }
    },
    /** Llama 3: headers and {@code <|eot_id|>}. */
    LLAMA3 {
        @Override
        void turn(StringBuilder prompt, String role, String content) {
            opening(prompt, role);
            prompt.append(content.strip()).append("<|eot_id|>");
        }

        @Override
        void opening(StringBuilder prompt, String role) {
            if (prompt.isEmpty()) {
                prompt.append("<|begin_of_text|>");
            }
            prompt.append("<|start_header_id|>").append(role).append("<|end_header_id|>\n\n");
        }
    };

    abstract void turn(StringBuilder prompt, String role, String content);

    abstract void opening(StringBuilder prompt, String role);

    String render(List<ChatMessage> messages, boolean addGenerationPrompt) {
        var prompt = new StringBuilder();
        for (var message : messages) {
            turn(prompt, message.role(), message.content());
        }
        if (addGenerationPrompt) {
            opening(prompt, "assistant");
        }
        return prompt.toString();
    }
}
