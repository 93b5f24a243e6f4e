package bestfit.model;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** Reads a Hugging Face {@code tokenizer.json} of the byte-level BPE kind (GPT-2, Qwen, Llama 3). */
final class TokenizerReader {
    /** GPT-2's cut, which the ByteLevel pre-tokenizer makes by itself when {@code use_regex} is on. */
    private static final String GPT2 =
            "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

    private final String origin;
    private final JsonNode root;
    private final byte[] byteOfChar = new byte[0x180];
    private final char[] charOfByte = new char[256];

    private TokenizerReader(String origin, JsonNode root) {
        this.origin = origin;
        this.root = root;
        int next = 256;
        for (int b = 0; b < 256; b++) {
            boolean printable = (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
            charOfByte[b] = (char) (printable ? b : next++);
            byteOfChar[charOfByte[b]] = (byte) b;
        }
    }

    static Tokenizer read(String origin, String text) {
        try {
            return new TokenizerReader(origin, Json.parse(text)).read();
        } catch (JacksonException e) {
            throw new ConfigException(origin + ": not valid JSON: " + Json.problem(e));
        }
    }

    private Tokenizer read() {
        var model = root.path("model");
        if (!model.path("type").asString("BPE").equals("BPE")
                || model.path("byte_fallback").asBoolean(false)) {
            throw unsupported("model.type", model.path("type").asString("missing"), "BPE on bytes");
        }
        var idOfToken = new HashMap<String, Integer>();
        for (var entry : model.path("vocab").properties()) {
            idOfToken.put(entry.getKey(), entry.getValue().asInt());
        }
        var pairs = new BytePairs(idOfByte(idOfToken), merges(model.path("merges"), idOfToken));
        var added = new HashMap<String, Integer>();
        var special = new HashSet<Integer>();
        for (var token : root.path("added_tokens")) {
            int id = token.path("id").asInt();
            added.put(token.path("content").asString(), id);
            if (token.path("special").asBoolean(false)) {
                special.add(id);
            }
        }
        return new Tokenizer(new Tokenizer.Parts(
                pairs,
                splits(root.path("pre_tokenizer")),
                normalizes(root.path("normalizer")),
                bytesOfId(idOfToken, added),
                Map.copyOf(added),
                alternatives(added),
                special,
                prefix(root.path("post_processor"), added),
                chat(added)));
    }

    private ConfigException unsupported(String field, String value, String allowed) {
        return new ConfigException(origin + ": " + field + " is " + value + "; supported is " + allowed);
    }

    private int[] idOfByte(Map<String, Integer> idOfToken) {
        var ids = new int[256];
        for (int b = 0; b < 256; b++) {
            var id = idOfToken.get(String.valueOf(charOfByte[b]));
            if (id == null) {
                throw unsupported("model.vocab", "without byte " + b, "a vocabulary with all 256 bytes");
            }
            ids[b] = id;
        }
        return ids;
    }

    private Map<Long, Long> merges(JsonNode list, Map<String, Integer> idOfToken) {
        var merges = HashMap.<Long, Long>newHashMap(list.size());
        int rank = 0;
        for (var merge : list) {
            var sides = merge.isArray()
                    ? new String[] {merge.get(0).asString(), merge.get(1).asString()}
                    : merge.asString().split(" ", 2);
            var left = idOfToken.get(sides[0]);
            var right = idOfToken.get(sides[1]);
            var joined = idOfToken.get(sides[0] + sides[1]);
            if (left == null || right == null || joined == null) {
                throw unsupported("model.merges[" + rank + "]", merge.toString(), "two tokens whose join is a token");
            }
            merges.putIfAbsent(BytePairs.key(left, right), BytePairs.key(rank, joined));
            rank++;
        }
        return merges;
    }

    private List<Pattern> splits(JsonNode pre) {
        var splits = new ArrayList<Pattern>();
        collectSplits(pre, splits);
        return List.copyOf(splits);
    }

    private void collectSplits(JsonNode pre, List<Pattern> splits) {
        var type = pre.path("type").asString("missing");
        switch (type) {
            case "Sequence" -> pre.path("pretokenizers").forEach(each -> collectSplits(each, splits));
            case "Split" -> {
                if (!pre.path("behavior").asString("").equals("Isolated")
                        || pre.path("invert").asBoolean(false)) {
                    throw unsupported(
                            "pre_tokenizer.behavior", pre.path("behavior").toString(), "Isolated");
                }
                var regex = pre.path("pattern").path("Regex");
                splits.add(pattern(
                        regex.isString()
                                ? regex.asString()
                                : Pattern.quote(
                                        pre.path("pattern").path("String").asString())));
            }
            case "ByteLevel" -> {
                if (pre.path("add_prefix_space").asBoolean(false)) {
                    throw unsupported("pre_tokenizer.add_prefix_space", "true", "false");
                }
                if (pre.path("use_regex").asBoolean(true)) {
                    splits.add(pattern(GPT2));
                }
            }
            default -> throw unsupported("pre_tokenizer.type", type, "Sequence, Split or ByteLevel");
        }
    }

    private Pattern pattern(String regex) {
        try {
            return Pattern.compile(regex, Pattern.UNICODE_CHARACTER_CLASS);
        } catch (PatternSyntaxException e) {
            throw unsupported("pre_tokenizer.pattern", regex, "a regular expression of Java's syntax");
        }
    }

    private boolean normalizes(JsonNode normalizer) {
        if (normalizer.isNull() || normalizer.isMissingNode()) {
            return false;
        }
        var type = normalizer.path("type").asString("missing");
        if (!type.equals("NFC")) {
            throw unsupported("normalizer.type", type, "NFC or none");
        }
        return true;
    }

    private byte[][] bytesOfId(Map<String, Integer> idOfToken, Map<String, Integer> added) {
        int size = 0;
        for (int id : idOfToken.values()) {
            size = Math.max(size, id + 1);
        }
        for (int id : added.values()) {
            size = Math.max(size, id + 1);
        }
        var bytes = new byte[size][];
        Arrays.fill(bytes, new byte[0]);
        idOfToken.forEach((token, id) -> bytes[id] = bytes(token));
        added.forEach((token, id) -> bytes[id] = token.getBytes(StandardCharsets.UTF_8));
        return bytes;
    }

    private byte[] bytes(String token) {
        for (int i = 0; i < token.length(); i++) {
            if (token.charAt(i) >= byteOfChar.length) {
                return token.getBytes(StandardCharsets.UTF_8);
            }
        }
        var bytes = new byte[token.length()];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = byteOfChar[token.charAt(i)];
        }
        return bytes;
    }

    private static @Nullable Pattern alternatives(Map<String, Integer> added) {
        if (added.isEmpty()) {
            return null;
        }
        return Pattern.compile(added.keySet().stream()
                .sorted(Comparator.comparingInt(String::length).reversed().thenComparing(Comparator.naturalOrder()))
                .map(Pattern::quote)
                .collect(Collectors.joining("|")));
    }

    /** The special tokens that a template puts before a single text. */
    private static int[] prefix(JsonNode processor, Map<String, Integer> added) {
        var ids = new Tokenizer.IntList(2);
        if (processor.path("type").asString("").equals("Sequence")) {
            for (var each : processor.path("processors")) {
                ids.addAll(prefix(each, added));
            }
        }
        for (var part : processor.path("single")) {
            var id = added.get(part.path("SpecialToken").path("id").asString(""));
            if (id == null) {
                break;
            }
            ids.add(id);
        }
        return ids.toArray();
    }

    private static @Nullable ChatFormat chat(Map<String, Integer> added) {
        if (added.containsKey("<|im_start|>")) {
            return ChatFormat.CHATML;
        }
        return added.containsKey("<|start_header_id|>") ? ChatFormat.LLAMA3 : null;
    }
}
