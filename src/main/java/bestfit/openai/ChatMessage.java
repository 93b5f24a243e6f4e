package bestfit.openai;

/** One message of a conversation; content parts of type text are joined by newlines, as vLLM does. */
public record ChatMessage(String role, String content) {}
