package bestfit.model;

import bestfit.config.ConfigException;
import bestfit.config.Unreadable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Text to token ids and back, as a byte-level BPE {@code tokenizer.json} says. Immutable; thread-safe.
 */
public final class Tokenizer {
    private final Parts parts;

    /** What {@link TokenizerReader} finds in the file. */
    record Parts(
            BytePairs pairs,
            List<Pattern> splits,
            boolean composed,
            byte[][] bytesOfId,
            Map<String, Integer> added,
            @Nullable Pattern addedPattern,
            Set<Integer> special,
            int[] prefix,
            @Nullable ChatFormat chat) {}

    Tokenizer(Parts parts) {
        this.parts = parts;
    }

    /**
     * The model's tokenizer; the embedded model's for a model that has none.
     *
     * @throws ConfigException if the file is of another kind, or the model's vocabulary is too small for it
     */
    public static Tokenizer load(Model model) {
        var own = model.read("tokenizer.json");
        if (own.isPresent()) {
            return TokenizerReader.read(model.origin("tokenizer.json"), own.get());
        }
        var fallback = TokenizerReader.read(
                "tiny/tokenizer.json",
                Model.embedded(Models.TINY, "tokenizer.json").orElseThrow());
        if (fallback.vocabularySize() > model.spec().vocabSize()) {
            throw new ConfigException(model.origin("config.json") + ": vocab_size is "
                    + model.spec().vocabSize() + "; without a tokenizer.json it must be at least "
                    + fallback.vocabularySize() + ", for the embedded tokenizer");
        }
        return fallback;
    }

    /**
     * The tokenizer in a {@code tokenizer.json}.
     *
     * @throws ConfigException if the file cannot be read or is of another kind
     */
    public static Tokenizer ofFile(Path file) {
        try {
            return TokenizerReader.read(file.toString(), Files.readString(file));
        } catch (IOException e) {
            throw new ConfigException("Tokenizer " + file + " cannot be read: " + Unreadable.why(file, e) + ".");
        }
    }

    /** Ids of a text, with what the model puts before every text (BOS) when asked. */
    public int[] encode(String text, boolean addSpecialTokens) {
        var ids = new IntList(text.length() / 2 + 8);
        if (addSpecialTokens) {
            ids.addAll(parts.prefix());
        }
        int from = 0;
        if (parts.addedPattern() != null) {
            var matcher = parts.addedPattern().matcher(text);
            while (matcher.find()) {
                encodePlain(text.substring(from, matcher.start()), ids);
                ids.add(parts.added().getOrDefault(matcher.group(), 0));
                from = matcher.end();
            }
        }
        encodePlain(text.substring(from), ids);
        return ids.toArray();
    }

    /** {@link #encode(String, boolean)} with special tokens. */
    public int[] encode(String text) {
        return encode(text, true);
    }

    public int tokenCount(String text) {
        return encode(text).length;
    }

    private void encodePlain(String text, IntList ids) {
        if (!text.isEmpty()) {
            split(parts.composed() ? Normalizer.normalize(text, Normalizer.Form.NFC) : text, 0, ids);
        }
    }

    /** Cuts at every match of the pattern at {@code depth}; pieces between matches are kept too. */
    private void split(String text, int depth, IntList ids) {
        if (depth == parts.splits().size()) {
            parts.pairs().encode(text, ids);
            return;
        }
        var matcher = parts.splits().get(depth).matcher(text);
        int from = 0;
        while (matcher.find()) {
            if (matcher.start() > from) {
                split(text.substring(from, matcher.start()), depth + 1, ids);
            }
            if (matcher.end() > matcher.start()) {
                split(matcher.group(), depth + 1, ids);
            }
            from = matcher.end();
        }
        if (from < text.length()) {
            split(text.substring(from), depth + 1, ids);
        }
    }

    /** Text of the ids; bytes that are no UTF-8 become U+FFFD, ids out of the vocabulary become nothing. */
    public String decode(int[] ids, boolean skipSpecialTokens) {
        var stream = stream(skipSpecialTokens);
        var text = new StringBuilder();
        for (int id : ids) {
            text.append(stream.add(id));
        }
        return text.append(stream.finish()).toString();
    }

    /** Starts an incremental decoding of one sequence. */
    public Detokenizer stream(boolean skipSpecialTokens) {
        return new Detokenizer(this, skipSpecialTokens);
    }

    /** One token alone, as logprobs show it. */
    public String tokenText(int id) {
        return new String(bytes(id), StandardCharsets.UTF_8);
    }

    /** One token as the vocabulary writes it: each byte of it as a visible character. */
    public String vocabularyText(int id) {
        if (parts.added().containsValue(id)) {
            return tokenText(id);
        }
        var text = new StringBuilder();
        for (byte each : bytes(id)) {
            int value = each & 0xff;
            boolean visible = (value > 32 && value < 127) || (value > 160 && value != 173);
            // The others follow from U+0100 on: first the 33 up to the blank, then 127 to 160, then 173.
            int shifted = value <= 32 ? value : value == 173 ? 67 : value - 94;
            text.append((char) (visible ? value : 256 + shifted));
        }
        return text.toString();
    }

    /** The bytes a token stands for; empty out of the vocabulary. */
    public byte[] tokenBytes(int id) {
        return bytes(id).clone();
    }

    byte[] bytes(int id) {
        return id >= 0 && id < parts.bytesOfId().length ? parts.bytesOfId()[id] : new byte[0];
    }

    public boolean isSpecial(int id) {
        return parts.special().contains(id);
    }

    /** Ids from 0 to one less than this; a model's logits may be wider. */
    public int vocabularySize() {
        return parts.bytesOfId().length;
    }

    /** True when {@link #chatPrompt} works. */
    public boolean hasChatFormat() {
        return parts.chat() != null;
    }

    /**
     * The prompt of a conversation; encode it without special tokens.
     *
     * @throws ConfigException if the tokenizer has no chat tokens that are known
     */
    public String chatPrompt(List<ChatMessage> messages, boolean addGenerationPrompt) {
        if (parts.chat() == null) {
            throw new ConfigException("the model's tokenizer has no chat format; known are ChatML (<|im_start|>) and"
                    + " Llama 3 (<|start_header_id|>); use text completions");
        }
        return parts.chat().render(messages, addGenerationPrompt);
    }

    /** A growing array of ids. */
    static final class IntList {
        private int[] items;
        private int size;

        IntList(int capacity) {
            items = new int[capacity];
        }

        void add(int item) {
            if (size == items.length) {
                items = Arrays.copyOf(items, size * 2);
            }
            items[size++] = item;
        }

        void addAll(int[] more) {
            for (int item : more) {
                add(item);
            }
        }

        int[] toArray() {
            return Arrays.copyOf(items, size);
        }
    }
}
