package bestfit.workload;

import bestfit.config.ConfigException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/**
 * Makes random texts of an exact number of tokens. The words are such that each is one token wherever it stands, found with
 * the model's own tokenizer; where no such words exist, each text is fitted with it. Thread-safe if the tokenizer is.
 */
public final class TokenText {
    private static final int LEAST_WORDS = 24;
    private static final int MOST_TRIES = 64;

    /** Short and frequent, so that most vocabularies have each as one token with its blank. */
    private static final List<String> WORDS = List.of(
            ("the of and to in is that it was for on are with as at be this have from or had by but some what there we can"
                            + " out other were all your when up use word how said an each she which do their time if will way"
                            + " about many then them would write like so these her long make thing see him two has look more day"
                            + " could go come did my sound no most number who over know water than call first people may down"
                            + " side been now find any new work part take get place made live where after back little only"
                            + " round man year came show every good me give our under name very through just form much great"
                            + " think say help low line before turn cause same mean differ move right boy old too does tell"
                            + " sentence set three want air well also play small end put home read hand port large spell add"
                            + " even land here must big high such follow act why ask men change went light kind off need house"
                            + " picture try us again animal point mother world near build self earth father head stand own page"
                            + " should country found answer school grow study still learn plant cover food sun four thought let"
                            + " keep eye never last door between city tree cross since hard start might story saw far sea draw"
                            + " left late run while press close night real life few stop open seem together next white children"
                            + " begin got walk example ease paper often always music those both mark book letter until mile"
                            + " river car feet care second group carry took rain eat room friend began idea fish mountain north"
                            + " once base hear horse cut sure watch color face wood main")
                    .split(" "));

    private final TokenCounter tokenizer;
    private final List<String> words;
    private final List<String> firstWords;
    private final boolean additive;

    /** @param firstWords that are one token without a blank before them too, as the first of a text is; empty if there is none */
    private TokenText(TokenCounter tokenizer, List<String> words, List<String> firstWords) {
        this.tokenizer = tokenizer;
        this.words = words;
        this.additive = !firstWords.isEmpty();
        this.firstWords = additive ? firstWords : words;
    }

    /**
     * Finds the words and proves on a text that the length is right.
     *
     * @param tokens length of that text
     * @throws ConfigException if no text of this length can be made with the tokenizer
     */
    public static TokenText find(TokenCounter tokenizer, int tokens) {
        var single = new ArrayList<String>();
        addSingle(tokenizer, WORDS, single);
        boolean enough = single.size() >= LEAST_WORDS;
        var first = enough
                ? single.stream()
                        .filter(word -> tokenizer.count(word) == 1)
                        .limit(LEAST_WORDS)
                        .toList()
                : List.<String>of();
        var texts = new TokenText(tokenizer, enough ? List.copyOf(single) : WORDS, first);
        if (texts.additive && tokenizer.count(texts.text(tokens, new SplittableRandom(tokens))) != tokens) {
            texts = new TokenText(tokenizer, List.copyOf(single), List.of());
        }
        texts.text(tokens, new SplittableRandom(tokens));
        return texts;
    }

    /** Tokens of any text. */
    public int count(String text) {
        return tokenizer.count(text);
    }

    /** Halves the list until each part is of single tokens or one word that is not. */
    private static void addSingle(TokenCounter tokenizer, List<String> words, List<String> single) {
        // a word in front, since the first of a text has no blank before it
        int count = tokenizer.count("a " + String.join(" ", words)) - tokenizer.count("a");
        if (count == words.size()) {
            single.addAll(words);
        } else if (words.size() > 4) {
            addSingle(tokenizer, words.subList(0, words.size() / 2), single);
            addSingle(tokenizer, words.subList(words.size() / 2, words.size()), single);
        }
    }

    /**
     * A text of so many tokens; the same generator gives the same text.
     *
     * @throws ConfigException if none can be made with the tokenizer
     */
    public String text(int tokens, RandomGenerator random) {
        return after("", 0, tokens, random);
    }

    /** A text that goes on after a beginning of {@code prefixTokens} with {@code tokens} more. */
    public String after(String prefix, int prefixTokens, int tokens, RandomGenerator random) {
        var chosen = new ArrayList<String>();
        for (int i = 0; i < tokens; i++) {
            chosen.add(i == 0 && prefix.isEmpty() ? firstWords.get(random.nextInt(firstWords.size())) : word(random));
        }
        return additive ? joined(prefix, chosen) : fitted(prefix, prefixTokens + tokens, chosen, random);
    }

    private String word(RandomGenerator random) {
        return words.get(random.nextInt(words.size()));
    }

    private static String joined(String prefix, List<String> words) {
        var text = String.join(" ", words);
        return prefix.isEmpty() ? text : prefix + " " + text;
    }

    private String fitted(String prefix, int tokens, List<String> chosen, RandomGenerator random) {
        for (int tries = 0; tries < MOST_TRIES && !chosen.isEmpty(); tries++) {
            var text = joined(prefix, chosen);
            int count = tokenizer.count(text);
            if (count == tokens) {
                return text;
            }
            int surplus = count - tokens;
            if (surplus > 0) {
                int fewer = Math.max(1, surplus * chosen.size() / (2 * count));
                chosen.subList(Math.max(1, chosen.size() - fewer), chosen.size())
                        .clear();
                if (chosen.size() == 1) {
                    chosen.set(0, word(random));
                }
            } else {
                for (int i = 0; i < Math.max(1, -surplus / 4); i++) {
                    chosen.add(word(random));
                }
            }
        }
        throw new ConfigException("No prompt of exactly " + tokens
                + " tokens could be made with this model's tokenizer; try another --prompt-tokens.");
    }
}
