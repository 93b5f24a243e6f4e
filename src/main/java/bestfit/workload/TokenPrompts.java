package bestfit.workload;

import bestfit.config.ConfigException;
import java.util.ArrayList;
import java.util.List;

/**
 * A different prompt for every request, each of exactly the asked number of tokens. The words are such that each is one
 * token wherever it stands, found with the model's own tokenizer; where no such words exist, each prompt is fitted with it.
 */
public final class TokenPrompts implements PromptSource {
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
    private final boolean additive;
    private final int tokens;
    private final long seed;

    private TokenPrompts(TokenCounter tokenizer, List<String> words, boolean additive, int tokens, long seed) {
        this.tokenizer = tokenizer;
        this.words = words;
        this.additive = additive;
        this.tokens = tokens;
        this.seed = seed;
    }

    /**
     * Finds the words and proves on a prompt that the length is right.
     *
     * @throws ConfigException if no prompt of this length can be made with the tokenizer
     */
    public static TokenPrompts find(TokenCounter tokenizer, int tokens, long seed) {
        var single = new ArrayList<String>();
        addSingle(tokenizer, WORDS, single);
        boolean enough = single.size() >= LEAST_WORDS;
        var prompts = new TokenPrompts(tokenizer, enough ? List.copyOf(single) : WORDS, enough, tokens, seed);
        if (enough && tokenizer.count(prompts.prompt(0)) != tokens) {
            prompts = new TokenPrompts(tokenizer, List.copyOf(single), false, tokens, seed);
        }
        prompts.prompt(0);
        return prompts;
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

    @Override
    public String prompt(int index) {
        var random = RandomWords.forIndex(seed, index);
        var chosen = new ArrayList<String>();
        for (int i = 0; i < tokens; i++) {
            chosen.add(words.get(random.nextInt(words.size())));
        }
        return additive ? String.join(" ", chosen) : fitted(chosen, random);
    }

    private String fitted(List<String> chosen, java.util.random.RandomGenerator random) {
        for (int tries = 0; tries < MOST_TRIES && !chosen.isEmpty(); tries++) {
            var text = String.join(" ", chosen);
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
                    chosen.set(0, words.get(random.nextInt(words.size())));
                }
            } else {
                for (int i = 0; i < Math.max(1, -surplus / 4); i++) {
                    chosen.add(words.get(random.nextInt(words.size())));
                }
            }
        }
        throw new ConfigException("No prompt of exactly " + tokens
                + " tokens could be made with this model's tokenizer; try another --prompt-tokens.");
    }
}
