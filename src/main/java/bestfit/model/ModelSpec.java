package bestfit.model;

import bestfit.config.Json;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A model's architecture, as its {@code config.json} tells it.
 *
 * @param layers {@code num_hidden_layers}
 * @param heads query heads a layer
 * @param kvHeads key-value heads a layer; divides {@code heads}
 * @param headDim numbers of one head
 * @param maxPositions {@code max_position_embeddings}
 * @param ropeScaling the type of scaling of the rotary embedding, null for none
 * @param tiedEmbeddings true when the output matrix is the embedding
 * @param attentionBias true when query, key and value projections have a bias
 * @param dtype of the checkpoint
 * @param eosIds tokens that end a generation, the first is the EOS token; may be empty
 */
public record ModelSpec(
        Architecture architecture,
        int hiddenSize,
        int layers,
        int heads,
        int kvHeads,
        int headDim,
        int intermediateSize,
        int vocabSize,
        int maxPositions,
        double ropeTheta,
        @Nullable String ropeScaling,
        double rmsNormEps,
        boolean tiedEmbeddings,
        boolean attentionBias,
        Dtype dtype,
        List<Integer> eosIds) {

    public ModelSpec {
        eosIds = List.copyOf(eosIds);
    }

    /**
     * The same model, of whose ends but the first others count: those of another generation config.
     *
     * @param generationConfig its text
     */
    public ModelSpec endingAt(String generationConfig) {
        var ends = new ArrayList<>(eosIds.subList(0, Math.min(1, eosIds.size())));
        SpecReader.addEos(Json.parsePython(generationConfig), ends);
        return new ModelSpec(
                architecture,
                hiddenSize,
                layers,
                heads,
                kvHeads,
                headDim,
                intermediateSize,
                vocabSize,
                maxPositions,
                ropeTheta,
                ropeScaling,
                rmsNormEps,
                tiedEmbeddings,
                attentionBias,
                dtype,
                ends);
    }

    /**
     * Reads a spec from the texts of a model's files.
     *
     * @param origin names the config file in messages
     * @param config text of {@code config.json}
     * @param generationConfig text of {@code generation_config.json}, null if there is none
     * @throws bestfit.config.ConfigException with every missing and wrong field
     */
    public static ModelSpec parse(String origin, String config, @Nullable String generationConfig) {
        return new SpecReader(origin, config).read(generationConfig);
    }
}
