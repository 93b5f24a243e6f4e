package bestfit.args;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bestfit.config.ConfigException;
import org.junit.jupiter.api.Test;

class ArgsTextTest {
    @Test
    void quotedStringIsSplitAsAShellDoes() {
        assertThat(ArgsText.read("--args", "--a 'b c'  --d=\"x\\\"y\" e\\ f ''").list())
                .containsExactly("--a", "b c", "--d=x\"y", "e f", "");
    }

    @Test
    void jsonArrayIsTakenAsItIs() {
        assertThat(ArgsText.read("--args", "[\"--compilation-config\", \"{\\\"level\\\": 3}\"]")
                        .list())
                .containsExactly("--compilation-config", "{\"level\": 3}");
    }

    @Test
    void writtenArgsReadBack() {
        var args = VllmArgs.of("--a", "it's", "", "{\"x\": 1}", "plain");
        assertThat(ArgsText.read("--args", ArgsText.write(args))).isEqualTo(args);
    }

    @Test
    void brokenInputNamesTheOptionAndTheValue() {
        assertThatThrownBy(() -> ArgsText.read("--args", "--a 'b"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("--args")
                .hasMessageContaining("open '");
        assertThatThrownBy(() -> ArgsText.read("--baseline", "[1]")).hasMessageContaining("--baseline: 1");
        assertThatThrownBy(() -> ArgsText.read("--args", "[\"a\"")).hasMessageContaining("no JSON array");
    }

    @Test
    void nonsenseIsRefusedBeforeItIsDeployed() {
        for (var size : new String[] {"0", "-2", "x", ""}) {
            assertThatThrownBy(() -> ArgsText.read("--args", "-tp=" + size))
                    .hasMessageContaining("--args: --tensor-parallel-size is")
                    .hasMessageContaining("at least 1");
        }
        assertThatThrownBy(() -> ArgsText.read("--args", "{\"tp\":1}")).hasMessageContaining("is no flag");
        assertThatThrownBy(() -> ArgsText.read("--args", "[1,")).hasMessageNotContaining("Source");
    }

    @Test
    void catalogueKnowsTheGuidesParameters() {
        assertThat(ArgCatalogue.effect("--kv-cache-dtype")).isEqualTo(ArgEffect.CHANGES_ANSWERS);
        assertThat(ArgCatalogue.effect("-tp")).isEqualTo(ArgEffect.MAY_MOVE_LAST_BITS);
        assertThat(ArgCatalogue.effect("--max_num_seqs=4")).isEqualTo(ArgEffect.PERFORMANCE);
        assertThat(ArgCatalogue.effect("--unheard-of")).isEqualTo(ArgEffect.CHANGES_ANSWERS);
    }
}
