package bestfit.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bestfit.config.ConfigException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PromptsTest {
    private static final LocalDateTime NOW = LocalDateTime.of(2026, 11, 24, 7, 5, 9);

    @TempDir
    Path folder;

    @Test
    void compressas_followItsLaw() {
        var prompts = CompressaPrompts.generate(12, 300, 1, NOW);
        assertThat(prompts.prompts())
                .hasSize(12)
                .allMatch(prompt -> prompt.length() == 300)
                .allMatch(prompt -> prompt.matches("\\d+ 2026-11-24 07:05:09( [a-z]{1,20})* ?"));
        assertThat(prompts.prompts().get(11)).startsWith("11 ");
        assertThat(IntStream.range(0, 200).mapToObj(prompts::prompt).distinct()).hasSize(12);
        assertThat(CompressaPrompts.generate(12, 300, 1, NOW).prompt(7)).isEqualTo(prompts.prompt(7));
    }

    @Test
    void unique_shareNoBeginning() {
        var prompts = UniquePrompts.ofCharacters(200, 5);
        var all = IntStream.range(0, 500).mapToObj(prompts::prompt).toList();
        assertThat(all).allMatch(prompt -> prompt.length() == 200);
        assertThat(all.stream().map(prompt -> prompt.substring(0, 12)).distinct())
                .hasSize(500);
        assertThat(UniquePrompts.ofCharacters(200, 5).prompt(77)).isEqualTo(all.get(77));
        assertThat(UniquePrompts.ofCharacters(200, 6).prompt(77)).isNotEqualTo(all.get(77));
    }

    @Test
    void unique_ofTokens_fillThem() {
        // a tokenizer of three characters a token
        var prompts = UniquePrompts.ofTokens(40, 1, text -> (text.length() + 2) / 3);
        assertThat(prompts.prompt(3)).hasSize(120);
    }

    @Test
    void file_givesItsFirstColumn() throws Exception {
        var file = Files.writeString(
                folder.resolve("p.csv"), "\uFEFFplain,x\r\n\"quoted, \"\"so\"\"\nover lines\",y\n\nlast one");
        var prompts = (CompressaPrompts) new PromptSpec.FromFile(file, 0).source(1, NOW);
        assertThat(prompts.prompts()).containsExactly("plain", "quoted, \"so\"\nover lines", "last one");
        var cut = (CompressaPrompts) new PromptSpec.FromFile(file, 4).source(1, NOW);
        assertThat(cut.prompts()).containsExactly("plai", "quot", "last");
        assertThatThrownBy(() -> new PromptSpec.FromFile(folder.resolve("none.csv"), 0).source(1, NOW))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("none.csv");
    }
}
