package bestfit.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bestfit.config.ConfigException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sampling by {@code generation_config.json} where a request does not say; as vLLM 0.32 was seen to do it. */
class GenerationFileTest {
    private static final String CHAT = "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"ignore_eos\":true";
    private static final String TEXT = "{\"prompt\":\"def\",\"ignore_eos\":true,\"max_tokens\":8";

    @TempDir
    Path folder;

    private final ByteArrayOutputStream log = new ByteArrayOutputStream();

    private EngineUnderTest start(String... args) {
        return EngineUnderTest.logging(log, "tiny", args);
    }

    private String text(EngineUnderTest engine, String more) {
        return engine.json("/v1/completions", TEXT + more + "}")
                .at("/choices/0/text")
                .asString();
    }

    @Test
    void aFolders_countsWhereTheRequestDoesNotSay_andItsLengthForAll() throws IOException {
        Files.writeString(
                folder.resolve("generation_config.json"),
                "{\"temperature\":0,\"top_k\":50,\"max_new_tokens\":7,\"eos_token_id\":2}");
        try (var engine = start("--generation-config", folder.toString())) {
            assertThat(text(engine, "")).isEqualTo(text(engine, ",\"temperature\":0"));
            assertThat(text(engine, ",\"temperature\":1,\"seed\":1")).isNotEqualTo(text(engine, ""));
            assertThat(engine.json("/v1/chat/completions", CHAT + "}")
                            .at("/usage/completion_tokens")
                            .asInt())
                    .isEqualTo(7);
            assertThat(engine.json("/v1/completions", TEXT + "}")
                            .at("/usage/completion_tokens")
                            .asInt())
                    .isEqualTo(7);
        }
        assertThat(log.toString(StandardCharsets.UTF_8))
                .contains("Default vLLM sampling parameters have been overridden by " + folder
                        + ": `{'temperature': 0, 'top_k': 50, 'max_tokens': 7}`. If this is not intended, please relaunch"
                        + " vLLM instance with `--generation-config vllm`.");
    }

    @Test
    void aLengthBeyondAllNumbers_isTheContext() throws IOException {
        Files.writeString(folder.resolve("generation_config.json"), "{\"max_new_tokens\":1e30}");
        try (var engine = start("--generation-config", folder.toString(), "--max-model-len", "64")) {
            assertThat(engine.json("/v1/completions", TEXT + "}")
                            .at("/usage/completion_tokens")
                            .asInt())
                    .isEqualTo(8);
        }
    }

    @Test
    void aFolderWithoutAnyOfItsFiles_orALengthOfNothing_endsTheStart() throws IOException {
        assertThatThrownBy(() -> start("--generation-config", folder.toString()))
                .isInstanceOf(ConfigException.class)
                .hasMessageStartingWith("Invalid repository ID or local directory specified: '" + folder + "'.");
        Files.writeString(folder.resolve("generation_config.json"), "{\"max_new_tokens\":0}");
        assertThatThrownBy(() -> start("--generation-config", folder.toString()))
                .isInstanceOf(ConfigException.class)
                .hasMessage("`max_new_tokens` must be greater than 0, but is 0.");
    }

    @Test
    void withoutOne_OpenAisDefaultsHold() {
        try (var engine = start("--generation-config", "vllm")) {
            assertThat(engine.json("/v1/completions", TEXT + "}")
                            .at("/usage/completion_tokens")
                            .asInt())
                    .isEqualTo(8);
        }
        assertThat(log.toString(StandardCharsets.UTF_8)).doesNotContain("sampling parameters have been overridden");
    }

    @Test
    void whatTheOperatorOverrides_countsBeforeTheFile_andItsLengthForAll() {
        try (var engine = start("--override-generation-config", "{\"temperature\":0,\"max_new_tokens\":5}")) {
            assertThat(text(engine, "")).isEqualTo(text(engine, ",\"temperature\":0"));
            assertThat(engine.json("/v1/completions", TEXT + "}")
                            .at("/usage/completion_tokens")
                            .asInt())
                    .isEqualTo(5);
        }
    }

    @Test
    void aFoldersEnds_takeThePlaceOfTheModels_andItMayHoldNaN() throws IOException {
        Files.writeString(folder.resolve("generation_config.json"), "{\"temperature\":NaN,\"eos_token_id\":[400,401]}");
        try (var engine = start("--generation-config", folder.toString())) {
            var stopped = engine.json(
                    "/v1/completions", "{\"prompt\":\"def\",\"temperature\":0,\"logit_bias\":{\"400\":100}}");
            assertThat(stopped.at("/choices/0/finish_reason").asString()).isEqualTo("stop");
            assertThat(stopped.at("/choices/0/stop_reason").asInt()).isEqualTo(400);
            assertThat(engine.post("/v1/completions", "{\"prompt\":\"def\"}").text())
                    .contains("temperature must be a finite number, got nan.");
        }
    }
}
